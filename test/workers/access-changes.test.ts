/** What is open when the world changes: the story of one process, told by two workers. */
process.env['TEST_WORKERS'] = '2';
await import('../e2e/access-changes.test.ts');

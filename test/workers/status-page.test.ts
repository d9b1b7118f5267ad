/** The status page and what follows it: the story of one process, told by two workers. */
process.env['TEST_WORKERS'] = '2';
await import('../e2e/status-page.test.ts');

/** Jellyfin and Emby, their sign-in above all: the story of one process, told by two workers. */
process.env['TEST_WORKERS'] = '2';
await import('../e2e/access-media-browser.test.ts');

import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { defineConfig } from '@playwright/test';

// The system's Chromium: what CHROMIUM_PATH names, or the first one installed. Without any, Playwright uses its own,
// if it has been downloaded. (scripts/common looks in the same places.)
function chromium(): string | undefined {
  const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
  const folders = ['/usr/bin', ...(process.env.PATH ?? '').split(delimiter)];
  const found = names.flatMap((name) => folders.map((folder) => join(folder, name))).find((path) => existsSync(path));
  return process.env.CHROMIUM_PATH || found;
}

export default defineConfig({
  testDir: 'tests',
  timeout: 90_000,
  expect: { timeout: 20_000 },
  fullyParallel: true,
  forbidOnly: Boolean(process.env.CI),
  // A journey that passes at a second try has met a fault. `scripts/battery flakes` runs each twenty times.
  retries: 0,
  workers: 2,
  reporter: 'list',
  use: {
    baseURL: process.env.BASE_URL ?? 'http://127.0.0.1:3000',
    browserName: 'chromium',
    locale: 'en-GB',
    timezoneId: 'UTC',
    trace: 'off',
    launchOptions: {
      executablePath: chromium(),
      args: [
        '--headless',
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    },
  },
  projects: [
    { name: 'hydrated', testMatch: '*.spec.ts', testIgnore: '*.nojs.spec.ts' },
    { name: 'nojs', testMatch: '*.nojs.spec.ts', use: { javaScriptEnabled: false } },
  ],
});

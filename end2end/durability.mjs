// Durability: a killed process loses no acknowledged change. Usage: node durability.mjs BINARY [ROUNDS]
import { resolve } from 'node:path';
import { survive } from './kills.mjs';
import { report } from './server.mjs';

const rounds = Number(process.argv[3] ?? 5);
try {
  const { changes, slowest } = await survive(resolve(process.argv[2]), { rounds, writers: 4 });
  console.log(`${rounds} kills, ${changes} acknowledged changes, none lost; ready again in at most ${Math.round(slowest)} ms`);
  report(rounds);
} catch (error) {
  console.error(`durability: ${error.message}`);
  process.exitCode = 1;
}

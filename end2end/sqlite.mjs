// Takes an SQLite database away from a running server, and brings it back.
import { closeSync, openSync, readSync, writeSync } from 'node:fs';

// The start of the index of the log (https://sqlite.org/walformat.html#the_wal_index_file_format): two copies of 12
// numbers in the machine's byte order. The first is the version, the last two are the checksum of the others.
const NUMBERS = 12;
const VERSION = 3_007_000;
const UNKNOWN = VERSION + 1;

/**
 * Marks the index of the log as one of an unknown version: SQLite refuses to read or write the database ("unable to open
 * database file"), also on open connections. Nothing is lost. To be called until it has an effect: a change that is
 * being written overwrites the mark.
 */
export const takeAway = (database) => mark(database, UNKNOWN);

/** Removes the mark. */
export const bringBack = (database) => mark(database, VERSION);

function mark(database, version) {
  const file = openSync(`${database}-shm`, 'r+');
  try {
    const numbers = new Uint32Array(NUMBERS);
    readSync(file, numbers, 0, numbers.byteLength, 0);
    if (![VERSION, UNKNOWN].includes(numbers[0])) throw new Error(`this is not the index of a log: ${numbers[0]}`);
    numbers[0] = version;
    numbers.set(checksum(numbers.subarray(0, -2)), NUMBERS - 2);
    const both = new Uint32Array([...numbers, ...numbers]);
    writeSync(file, both, 0, both.byteLength, 0);
  } finally {
    closeSync(file);
  }
}

function checksum(numbers) {
  let [first, second] = [0, 0];
  for (let n = 0; n < numbers.length; n += 2) {
    first = (first + numbers[n] + second) >>> 0;
    second = (second + numbers[n + 1] + first) >>> 0;
  }
  return [first, second];
}

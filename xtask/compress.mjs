// node compress.mjs QUALITY FILE...: writes FILE.br and FILE.gz for each file that they make smaller.
import { readFile, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';

const [quality, ...files] = process.argv.slice(2);
const level = Number(quality);

const forms = {
  br: (content) =>
    promisify(brotliCompress)(content, {
      params: {
        [constants.BROTLI_PARAM_QUALITY]: level,
        [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
        [constants.BROTLI_PARAM_SIZE_HINT]: content.length,
      },
    }),
  gz: (content) => promisify(gzip)(content, { level: Math.min(level, constants.Z_BEST_COMPRESSION) }),
};

await Promise.all(
  files.flatMap((file) =>
    Object.entries(forms).map(async ([extension, compress]) => {
      const content = await readFile(file);
      const small = await compress(content);
      if (small.length < 0.95 * content.length) await writeFile(`${file}.${extension}`, small);
    }),
  ),
);

// Joins what is written here and the packages it uses into one module each, with the licences of what is in it beside it.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";

import { build } from "esbuild";

const FOLDER = "static/built";
const PARTS = [
  { name: "editor", called: "The editor", holds: "CodeMirror and what it uses" },
  { name: "charts", called: "The charts", holds: "uPlot" },
];

const kilobytes = (bytes) => `${Math.ceil(bytes / 1000)} kB`;

async function join({ name, called, holds }) {
  const licences = `${name}.licences.txt`;
  const result = await build({
    entryPoints: [`assets/${name}/${name}.js`],
    outfile: `${FOLDER}/${name}.js`,
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    charset: "utf8",
    legalComments: "none",
    loader: { ".css": "text" },
    banner: { js: `/* Holds ${holds}, under the MIT licence: ${licences} */` },
    metafile: true,
    write: false,
  });
  const [module] = result.outputFiles;
  const packages = new Set(Object.keys(result.metafile.inputs).map((path) => path.match(/node_modules\/((?:@[^/]+\/)?[^/]+)/)?.[1]).filter(Boolean));
  const texts = await Promise.all([...packages].sort().map(async (one) => `${one}\n\n${await readFile(`node_modules/${one}/LICENSE`, "utf8")}`));
  await writeFile(`${FOLDER}/${licences}`, texts.join("\n\n"));
  await writeFile(`${FOLDER}/${name}.js`, module.contents);
  console.log(`${called}: ${kilobytes(module.contents.length)}, ${kilobytes(gzipSync(module.contents).length)} compressed`);
}

await mkdir(FOLDER, { recursive: true });
await Promise.all(PARTS.map(join));

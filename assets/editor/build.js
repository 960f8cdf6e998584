// Joins the editor and the packages it uses into one module, with the licences of what is in it beside it.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";

import { build } from "esbuild";

const FOLDER = "static/built";
const LICENCES = "editor.licences.txt";

const result = await build({
  entryPoints: ["assets/editor/editor.js"],
  outfile: `${FOLDER}/editor.js`,
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  charset: "utf8",
  legalComments: "none",
  banner: { js: `/* Holds CodeMirror and what it uses, under the MIT licence: ${LICENCES} */` },
  metafile: true,
  write: false,
});
const [module] = result.outputFiles;
const packages = new Set(Object.keys(result.metafile.inputs).map((path) => path.match(/node_modules\/((?:@[^/]+\/)?[^/]+)/)?.[1]).filter(Boolean));
const licences = await Promise.all([...packages].sort().map(async (name) => `${name}\n\n${await readFile(`node_modules/${name}/LICENSE`, "utf8")}`));

await mkdir(FOLDER, { recursive: true });
await writeFile(`${FOLDER}/${LICENCES}`, licences.join("\n\n"));
await writeFile(`${FOLDER}/editor.js`, module.contents);
const kilobytes = (bytes) => `${Math.ceil(bytes / 1000)} kB`;
console.log(`The editor: ${kilobytes(module.contents.length)}, ${kilobytes(gzipSync(module.contents).length)} compressed`);

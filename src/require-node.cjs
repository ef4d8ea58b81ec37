// Loaded before the TypeScript sources, which need Node 24 or later. This file itself must run on any version.
if (Number(process.versions.node.split('.')[0]) < 24) {
  process.stderr.write(
    'Finetune Gateway needs Node.js 24 or later, but this is Node.js ' +
      process.versions.node +
      '. Install a newer version, or run `npm ci` with its optional packages, which include one.\n',
  );
  process.exit(1);
} else {
  require('./compile-cache.cjs');
}

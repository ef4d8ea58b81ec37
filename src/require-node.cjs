// Loaded before the TypeScript sources, which only Node 24 and later can run as they are. Must itself run on any Node.
if (Number(process.versions.node.split('.')[0]) < 24) {
  process.stderr.write(
    'Finetune Gateway needs Node.js 24 or later, but this is ' +
      process.versions.node +
      ': install it, or run `npm ci` without omitting optional packages, which brings one along.\n',
  );
  process.exit(1);
}

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSchema, parse, validate } from 'graphql';
import { describe, expect, it } from 'vitest';
import { readArguments } from '../../../src/terminal/arguments.ts';
import { documents } from '../../../src/terminal/gateway-client.ts';
import { makeFolder } from '../../kit/process/folder.ts';

const LOCAL_URL = 'http://127.0.0.1:4000/graphql';

describe('npm run watch', () => {
  it('follows all jobs of the gateway on this machine by default', () => {
    expect(readArguments([], {})).toEqual({ wantsHelp: false, jobId: undefined, url: LOCAL_URL, token: undefined });
  });

  it('reads the URL of the gateway from the command line, else from the environment', () => {
    const environment = { GATEWAY_URL: 'https://tuning.example/graphql' };
    expect(readArguments(['ftjob-1'], environment)).toMatchObject({ jobId: 'ftjob-1', url: environment.GATEWAY_URL });
    expect(readArguments(['--url', LOCAL_URL], environment).url).toBe(LOCAL_URL);
  });

  it('reads the token from a file, else from the environment', () => {
    const file = join(makeFolder({ token: 'of-the-file\n' }), 'token');
    expect(readArguments(['--token-file', file], { GATEWAY_TOKEN: 'other' }).token).toBe('of-the-file');
    expect(readArguments([], { GATEWAY_TOKEN: 'other' }).token).toBe('other');
  });

  it.each([
    [['--url', 'ftp://tuning.example'], /^--url: is not an http or https URL/],
    [['--url', 'http://ann:pass@127.0.0.1'], /^--url: .* without user, such as/],
    [['a', 'b'], /^JOB: got 2 jobs; expected at most one\n/],
    [['--loud'], /'--loud'[\s\S]*See: npm run watch -- --help$/],
    [['--token-file', '/nowhere/token'], /^--token-file: cannot read \/nowhere\/token \(ENOENT\);/],
    [['--token-file', '/dev/zero'], /^--token-file: cannot read \/dev\/zero \(it is a device\);/],
  ])('rejects %j with one message', (args, sentence) => {
    expect(() => readArguments(args, {})).toThrow(sentence);
  });

  it.each(Object.entries(documents))('sends a document for %s that is valid for the schema', (_, document) => {
    expect(validate(buildSchema(readFileSync('schema.graphql', 'utf8')), parse(document))).toEqual([]);
  });
});

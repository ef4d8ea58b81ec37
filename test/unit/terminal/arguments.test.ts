import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSchema, parse, validate } from 'graphql';
import { describe, expect, it } from 'vitest';
import { readArguments } from '../../../src/terminal/arguments.ts';
import { documents } from '../../../src/terminal/gateway-client.ts';
import { makeFolder } from '../../kit/process/folder.ts';

const HERE = 'http://127.0.0.1:4000/graphql';

describe('npm run watch', () => {
  it('shows all jobs of the gateway of this machine when it is told nothing', () => {
    expect(readArguments([], {})).toEqual({ wantsHelp: false, jobId: undefined, url: HERE, token: undefined });
  });

  it('is told where the gateway is by the command line, or else by the environment', () => {
    const environment = { GATEWAY_URL: 'https://tuning.example/graphql' };
    expect(readArguments(['ftjob-1'], environment)).toMatchObject({ jobId: 'ftjob-1', url: environment.GATEWAY_URL });
    expect(readArguments(['--url', HERE], environment).url).toBe(HERE);
  });

  it('reads the token from a file, or else from the environment', () => {
    const file = join(makeFolder({ token: 'of-the-file\n' }), 'token');
    expect(readArguments(['--token-file', file], { GATEWAY_TOKEN: 'other' }).token).toBe('of-the-file');
    expect(readArguments([], { GATEWAY_TOKEN: 'other' }).token).toBe('other');
  });

  it.each([
    [['--url', 'ftp://tuning.example'], /^--url: expected the http or https URL/],
    [['--url', 'http://ann:pass@127.0.0.1'], /^--url: .* without a user$/],
    [['a', 'b'], /^JOB: expected one job at most\n/],
    [['--loud'], /'--loud'[\s\S]*See: npm run watch -- --help$/],
    [['--token-file', '/nowhere/token'], /^--token-file: expected a file that can be read \(ENOENT\)$/],
  ])('refuses %j with a sentence', (args, sentence) => {
    expect(() => readArguments(args, {})).toThrow(sentence);
  });

  it.each(Object.entries(documents))('asks for %s by a document that fits the schema', (_, document) => {
    expect(validate(buildSchema(readFileSync('schema.graphql', 'utf8')), parse(document))).toEqual([]);
  });
});

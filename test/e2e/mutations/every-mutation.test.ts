import { describe, expect, it } from 'vitest';
import { includes, type Role, roles } from '../../../src/request/viewer.ts';
import { trainingLines } from '../../kit/client/upload.ts';
import { openSocket, subscribe } from '../../kit/client/ws.ts';
import { startGateway } from '../../kit/gateway/gateway.ts';
import { startUpstream } from '../../kit/gateway/upstream.ts';
import {
  capitalized,
  EXAMPLES,
  makeWritable,
  mutate,
  mutationDocument,
  mutationFields,
} from '../../kit/mutation/examples.ts';
import { tokenFile } from '../../kit/process/token.ts';

// The rules of every mutation: the role is checked before anything is read, and each mutation writes one audit record.

const NAMES = { viewer: 'vera', operator: 'otto', admin: 'ada' } as const;

/** A gateway with token authentication, in front of an upstream that accepts every call. */
async function start(settings: Record<string, string> = { ALLOW_MUTATIONS: 'on' }) {
  const { file, tokens } = tokenFile({ vera: 'viewer', otto: 'operator', ada: 'admin' });
  const upstream = await startUpstream();
  makeWritable(upstream);
  const gateway = await startGateway({
    OPENAI_BASE_URL: upstream.baseUrl,
    OPENAI_ADMIN_KEY: 'an-admin-key-for-tests',
    AUTH: 'tokens',
    AUTH_TOKENS_FILE: file,
    ...settings,
  });
  return {
    upstream,
    gateway,
    bearerOf: (role: Role) => `Bearer ${tokens[NAMES[role]]}`,
    /** Executes a mutation; returns its outcome, its upstream calls and its audit records. */
    async execute(role: Role, mutation: string, input: object) {
      const [calls, lines] = [upstream.calls.length, gateway.log.length];
      const { outcome, errors, requestId } = await mutate(gateway.url, this.bearerOf(role), mutation, input);
      expect(errors).toBeUndefined();
      const audit = gateway.log.slice(lines).filter(({ msg }) => msg === 'mutation');
      const begun = gateway.log.slice(lines).filter(({ msg }) => msg === 'mutation begins');
      const record = { mutation, viewer: NAMES[role], role, requestId };
      return { outcome, calls: upstream.calls.slice(calls), audit, begun, record };
    },
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

/** Returns a copy of an input with ids that do not exist. */
const withMissingIds = (input: object) =>
  JSON.parse(JSON.stringify(input).replaceAll(/"(ftjob-|file-|cp_)1"/g, '"$1none"'));

it('every mutation of the schema has an example', () => {
  expect(Object.keys(EXAMPLES).sort()).toEqual(Object.keys(mutationFields()).sort());
});

describe.each(Object.entries(EXAMPLES))('%s', (mutation, { role: needed, input, id, inputId }) => {
  const success = `${capitalized(mutation)}Success`;
  it(`names the role ${needed} in its description`, () => {
    expect(mutationFields()[mutation]?.description).toContain(`Requires the role \`${needed}\`.`);
  });

  it.each(roles.filter((role) => includes(role, needed)))(
    'succeeds for the role %s and writes an audit record before and after',
    async (role) => {
      await using world = await start();
      const { outcome, calls, audit, begun, record } = await world.execute(role, mutation, input);
      expect(outcome).toEqual({ __typename: success });
      expect(calls).not.toEqual([]);
      expect(begun).toEqual([expect.objectContaining({ ...record, address: '127.0.0.1' })]);
      expect(begun[0]?.['id']).toBe(inputId);
      expect(audit).toEqual([expect.objectContaining({ ...record, outcome: 'Success' })]);
      expect(audit[0]?.['id']).toBe(id);
    },
  );

  it.each(roles.filter((role) => !includes(role, needed)))(
    'is forbidden for the role %s before anything is read, and writes one audit record',
    async (role) => {
      await using world = await start();
      for (const sent of [input, withMissingIds(input)]) {
        const { outcome, calls, audit, begun, record } = await world.execute(role, mutation, sent);
        expect(outcome).toEqual({
          __typename: 'ForbiddenError',
          code: 'FORBIDDEN',
          message: `${mutation} needs the role ${needed}; the caller has the role ${role}.`,
        });
        expect(calls).toEqual([]);
        expect(begun).toEqual([]);
        expect(audit).toMatchObject([{ ...record, outcome: 'Forbidden' }]);
        expect(audit[0]?.['id']).toBe(sent === input ? inputId : withMissingIds({ inputId }).inputId);
      }
    },
  );

  it('is forbidden for every role when ALLOW_MUTATIONS is off', async () => {
    await using world = await start({ ALLOW_MUTATIONS: 'off' });
    for (const role of roles) {
      const { outcome, calls, audit, record } = await world.execute(role, mutation, input);
      expect(outcome).toEqual({
        __typename: 'ForbiddenError',
        code: 'FORBIDDEN',
        message: 'This gateway does not allow mutations. Its operator can allow them with ALLOW_MUTATIONS=on.',
      });
      expect(calls).toEqual([]);
      expect(audit).toMatchObject([{ ...record, outcome: 'Forbidden' }]);
    }
  });

  it('is executed each time: no response is cached', async () => {
    await using world = await start();
    const sent = { ...input, idempotencyKey: undefined };
    const { calls: first } = await world.execute('admin', mutation, sent);
    const { calls: second, outcome } = await world.execute('admin', mutation, sent);
    expect(outcome).toEqual({ __typename: success });
    expect(second.map(({ target }) => target)).toEqual(first.map(({ target }) => target));
  });

  it('cannot be sent by a page of another site: by a URL, a form or plain text', async () => {
    await using world = await start();
    const query = mutationDocument(mutation);
    const variables = JSON.stringify({ input });
    const url = `${world.gateway.url}?${new URLSearchParams({ query, variables })}`;
    const form = new FormData();
    form.append('operations', JSON.stringify({ query, variables: { input } }));
    form.append('map', '{"0":["variables.input.file"]}');
    form.append('0', new Blob(['{}']), 'train.jsonl');
    const authorization = world.bearerOf('admin');
    const requests = [
      fetch(url, { headers: { authorization } }),
      fetch(url, { headers: { authorization, accept: 'text/event-stream' } }),
      fetch(world.gateway.url, { method: 'POST', headers: { authorization }, body: form }),
      fetch(world.gateway.url, {
        method: 'POST',
        headers: { authorization },
        body: new URLSearchParams({ query, variables }),
      }),
      fetch(world.gateway.url, {
        method: 'POST',
        headers: { authorization },
        body: JSON.stringify({ query, variables: { input } }),
      }),
    ];
    expect((await Promise.all(requests)).map(({ status }) => status)).toEqual([405, 405, 415, 415, 415]);
    expect(world.upstream.calls).toEqual([]);
    expect(world.gateway.log.filter(({ msg }) => msg === 'mutation')).toEqual([]);
  });

  it('has the same rules over a WebSocket', async () => {
    await using world = await start();
    const sent = 'file' in input ? { ...input, text: trainingLines(10) } : input; // A WebSocket carries no files.
    for (const role of roles) {
      const before = world.upstream.calls.length;
      using socket = await openSocket(world.gateway.url, { headers: { authorization: world.bearerOf(role) } });
      socket.send(subscribe('1', mutationDocument(mutation), { variables: { input: sent } }));
      const { payload } = await socket.next();
      const isAllowed = includes(role, needed);
      expect(payload).toMatchObject({ data: { [mutation]: { __typename: isAllowed ? success : 'ForbiddenError' } } });
      if (!isAllowed) expect(world.upstream.calls).toHaveLength(before);
    }
    const lines = world.gateway.log.filter(({ msg }) => msg === 'mutation');
    expect(lines.map(({ viewer }) => viewer)).toEqual(['vera', 'otto', 'ada']);
  });

  it('writes the caller, the mutation and the ids to the log, and nothing else of the input', async () => {
    await using world = await start();
    const { audit } = await world.execute('admin', mutation, input);
    const known = [
      'level',
      'time',
      'msg',
      'mutation',
      'viewer',
      'callerId',
      'role',
      'id',
      'requestId',
      'outcome',
      'operation',
      'address',
      'input',
      'upstreamRequestId',
    ];
    expect(Object.keys(audit[0] ?? {}).filter((member) => !known.includes(member))).toEqual([]);
    const facts = Object.keys(Object(audit[0]?.['input']));
    expect(facts.filter((name) => !/Ids?$|^idempotencyKeySha256$/.test(name))).toEqual([]);
  });
});

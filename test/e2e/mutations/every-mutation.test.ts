import { describe, expect, it } from 'vitest';
import { includes, type Role, roles } from '../../../src/request/viewer.ts';
import { trainingLines } from '../../kit/client/upload.ts';
import { openSocket, subscribe } from '../../kit/client/ws.ts';
import { startGateway } from '../../kit/gateway/gateway.ts';
import { startUpstream } from '../../kit/gateway/upstream.ts';
import {
  capital,
  EXAMPLES,
  makeWritable,
  mutate,
  mutationDocument,
  mutationFields,
} from '../../kit/mutation/examples.ts';
import { tokenFile } from '../../kit/process/token.ts';

// What holds for every mutation: who may, what is left in the log, and that nothing is looked for before that is known.

const NAMES = { viewer: 'vera', operator: 'otto', admin: 'ada' } as const;

/** A gateway that asks for tokens, before an upstream that does whatever it is asked. */
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
    /** Asks for a mutation: gives its outcome, the calls that it has caused, and what it has left in the log. */
    async ask(role: Role, mutation: string, input: object) {
      const [calls, lines] = [upstream.calls.length, gateway.log.length];
      const { outcome, errors, requestId } = await mutate(gateway.url, this.bearerOf(role), mutation, input);
      expect(errors).toBeUndefined();
      const audit = gateway.log.slice(lines).filter(({ msg }) => msg === 'mutation');
      const line = { mutation, viewer: NAMES[role], role, requestId };
      return { outcome, calls: upstream.calls.slice(calls), audit, line };
    },
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

/** The same input with other ids and texts: of nothing that is there. */
const elsewhere = (input: object) => JSON.parse(JSON.stringify(input).replaceAll(/"(ftjob-|file-|cp_)1"/g, '"$1none"'));

it('every mutation of the schema has an example', () => {
  expect(Object.keys(EXAMPLES).sort()).toEqual(Object.keys(mutationFields()).sort());
});

describe.each(Object.entries(EXAMPLES))('%s', (mutation, { role: needed, input, id, about }) => {
  const success = `${capital(mutation)}Success`;
  it(`says that it needs the role ${needed}`, () => {
    expect(mutationFields()[mutation]?.description).toContain(`needs the role \`${needed}\``);
  });

  it.each(roles.filter((role) => includes(role, needed)))(
    'is done for who is %s, and told in one line',
    async (role) => {
      await using world = await start();
      const { outcome, calls, audit, line } = await world.ask(role, mutation, input);
      expect(outcome).toEqual({ __typename: success });
      expect(calls).not.toEqual([]);
      expect(audit).toEqual([expect.objectContaining({ ...line, outcome: 'Success' })]);
      expect(audit[0]?.['id']).toBe(id);
    },
  );

  it.each(roles.filter((role) => !includes(role, needed)))(
    'is refused who is %s before anything is looked for, and told in one line',
    async (role) => {
      await using world = await start();
      for (const wanted of [input, elsewhere(input)]) {
        const { outcome, calls, audit, line } = await world.ask(role, mutation, wanted);
        expect(outcome).toEqual({
          __typename: 'ForbiddenError',
          code: 'FORBIDDEN',
          message: `Expected the role ${needed}, got ${role}.`,
        });
        expect(calls).toEqual([]);
        expect(audit).toMatchObject([{ ...line, outcome: 'Forbidden' }]);
        expect(audit[0]?.['id']).toBe(wanted === input ? about : elsewhere({ about }).about);
      }
    },
  );

  it('is refused everybody where nothing may be changed', async () => {
    await using world = await start({ ALLOW_MUTATIONS: 'off' });
    for (const role of roles) {
      const { outcome, calls, audit, line } = await world.ask(role, mutation, input);
      expect(outcome).toEqual({
        __typename: 'ForbiddenError',
        code: 'FORBIDDEN',
        message: 'This gateway changes nothing: see ALLOW_MUTATIONS.',
      });
      expect(calls).toEqual([]);
      expect(audit).toMatchObject([{ ...line, outcome: 'Forbidden' }]);
    }
  });

  it('is done each time that it is asked for: no answer is kept', async () => {
    await using world = await start();
    const wanted = { ...input, idempotencyKey: undefined };
    const { calls: first } = await world.ask('admin', mutation, wanted);
    const { calls: second, outcome } = await world.ask('admin', mutation, wanted);
    expect(outcome).toEqual({ __typename: success });
    expect(second.map(({ target }) => target)).toEqual(first.map(({ target }) => target));
  });

  it('is not done for a page of another site: by an address, by a form, by a text', async () => {
    await using world = await start();
    const query = mutationDocument(mutation);
    const variables = JSON.stringify({ input });
    const url = `${world.gateway.url}?${new URLSearchParams({ query, variables })}`;
    const form = new FormData();
    form.append('operations', JSON.stringify({ query, variables: { input } }));
    form.append('map', '{"0":["variables.input.file"]}');
    form.append('0', new Blob(['{}']), 'train.jsonl');
    const authorization = world.bearerOf('admin');
    const sent = [
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
    expect((await Promise.all(sent)).map(({ status }) => status)).toEqual([405, 405, 415, 415, 415]);
    expect(world.upstream.calls).toEqual([]);
    expect(world.gateway.log.filter(({ msg }) => msg === 'mutation')).toEqual([]);
  });

  it('is refused and done by the same rules over a WebSocket', async () => {
    await using world = await start();
    const sent = 'file' in input ? { ...input, text: trainingLines(10) } : input; // It brings no files.
    for (const role of roles) {
      const before = world.upstream.calls.length;
      using socket = await openSocket(world.gateway.url, { headers: { authorization: world.bearerOf(role) } });
      socket.send(subscribe('1', mutationDocument(mutation), { variables: { input: sent } }));
      const { payload } = await socket.next();
      const mayDo = includes(role, needed);
      expect(payload).toMatchObject({ data: { [mutation]: { __typename: mayDo ? success : 'ForbiddenError' } } });
      if (!mayDo) expect(world.upstream.calls).toHaveLength(before);
    }
    const lines = world.gateway.log.filter(({ msg }) => msg === 'mutation');
    expect(lines.map(({ viewer }) => viewer)).toEqual(['vera', 'otto', 'ada']);
  });

  it('leaves in the log who, what, which id, and nothing else of the input', async () => {
    await using world = await start();
    const { audit } = await world.ask('admin', mutation, input);
    const known = ['level', 'time', 'msg', 'mutation', 'viewer', 'role', 'id', 'requestId', 'outcome'];
    expect(Object.keys(audit[0] ?? {}).filter((member) => !known.includes(member))).toEqual([]);
  });
});

import Negotiator from 'negotiator';
import type { CompressedForms, Encoding } from './compressed-forms.ts';
import { type GraphqlReply, type Reply, shareHeaders } from './reply.ts';
import { memoizeText } from './text-memo.ts';

/** Content codings (RFC 9110 8.4.1), the best first: of those that a client accepts equally, it gets the first one. */
const ENCODINGS: readonly Encoding[] = ['zstd', 'br', 'gzip'];

/** Maximum responses that are compressed at the same time. One more is sent as it is, so that no response waits long. */
const MAX_ACTIVE = 16;

/** Compresses a reply if it may be and the client accepts it. Without work to do, it returns the reply itself. */
export type Compress = <R extends Reply | Omit<Reply, 'body'>>(
  acceptEncoding: string | string[] | undefined,
  reply: R,
) => R | Promise<R>;

/** `minBytes` is the size below which a body is sent as it is; null turns compression off. */
export function createCompress(minBytes: number | null): Compress {
  let active = 0;

  async function create(reply: CompressibleReply, encoding: Encoding): Promise<Buffer> {
    active++;
    try {
      return await reply.forms.create(encoding, reply.body);
    } finally {
      active--;
    }
  }

  function compress(accept: string, reply: CompressibleReply): GraphqlReply | Promise<GraphqlReply> {
    const { encoding, isRequired } = negotiate(accept);
    if (encoding === null || (reply.body.length < (minBytes ?? 0) && !isRequired)) return reply;
    const known = reply.forms.get(encoding);
    if (known !== undefined && !(known instanceof Promise)) return encoded(reply, encoding, known, isRequired);
    if (known === undefined && active >= MAX_ACTIVE) return reply;
    return (known ?? create(reply, encoding)).then(
      (form) => encoded(reply, encoding, form, isRequired),
      () => reply, // Without the memory for it.
    );
  }

  return (acceptEncoding, reply) => {
    if (acceptEncoding === undefined || minBytes === null || !isCompressible(reply)) return reply;
    return compress(String(acceptEncoding), reply) as typeof reply | Promise<typeof reply>; // The same kind of reply.
  };
}

type CompressibleReply = GraphqlReply & { readonly forms: CompressedForms };

const isCompressible = (reply: object): reply is CompressibleReply => 'forms' in reply;

interface Negotiated {
  /** Null when the client wants none. */
  readonly encoding: Encoding | null;
  /** Whether the client refuses a body that is not compressed. */
  readonly isRequired: boolean;
}

/** The option `preferred` is missing in its types. */
interface PreferringNegotiator {
  encodings(available: readonly string[], options?: { preferred: readonly string[] }): string[];
}

const negotiate = memoizeText((accept): Negotiated => {
  const negotiator: PreferringNegotiator = new Negotiator({ headers: { 'accept-encoding': accept } });
  const [best] = negotiator.encodings([...ENCODINGS, 'identity'], { preferred: ENCODINGS });
  const encoding = ENCODINGS.find((name) => name === best) ?? null;
  return { encoding, isRequired: negotiator.encodings(['identity']).length === 0 };
});

function encoded(reply: GraphqlReply, encoding: Encoding, form: Buffer, isRequired: boolean): GraphqlReply {
  if (form.length >= reply.body.length && !isRequired) return reply;
  return { ...reply, headers: encodedHeaders(reply.headers, encoding), body: form };
}

const headersByOriginal = new WeakMap<Reply['headers'], Map<Encoding, Reply['headers']>>();

/** Most replies share their headers. */
function encodedHeaders(headers: Reply['headers'], encoding: Encoding): Reply['headers'] {
  const known = headersByOriginal.get(headers) ?? new Map<Encoding, Reply['headers']>();
  headersByOriginal.set(headers, known);
  const result = known.get(encoding) ?? shareHeaders({ ...headers, 'content-encoding': encoding });
  known.set(encoding, result);
  return result;
}

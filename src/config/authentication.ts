import { existsSync } from 'node:fs';
import { z } from 'zod';
import type { Auth } from '../server/auth/authenticate.ts';
import { readTokenList, readTokenText } from '../server/auth/token-file.ts';
import { ALWAYS, groupDocs, settingDocs } from './setting-docs.ts';
import { oneOf, quoteValue } from './setting-types.ts';

const CREATE = 'Create one: npm run token -- ann operator tokens';
const NOT_SET = `is not set; AUTH=tokens expects the path of a token file, such as tokens. ${CREATE}`;
const missing = (file: string) =>
  `${quoteValue(file)} does not exist; expected the path of a token file, such as tokens. ${CREATE}`;

export const authentication = z
  .object({
    AUTH: oneOf('none', 'tokens', 'passthrough').optional().register(settingDocs, {
      description:
        'How callers authenticate. `none`: not at all, everyone may do everything. `tokens`: with a bearer token of `AUTH_TOKENS_FILE`, by its role. `passthrough`: with an upstream key of their own, which the gateway uses for their upstream calls.',
      defaultValue: 'none',
    }),
    AUTH_TOKENS_FILE: z.string().optional().register(settingDocs, {
      description:
        'Path of the token file, for `AUTH=tokens`. Each line has NAME ROLE SHA256, as `npm run token` writes it. A change takes effect within a second.',
      example: 'tokens',
    }),
  })
  .register(groupDocs, {
    title: 'Authentication',
    intro: 'How callers authenticate, and their rights. The roles of tokens are viewer, operator and admin.',
  })
  .superRefine(({ AUTH, AUTH_TOKENS_FILE: file }, context) => {
    const report = (name: string, message: string) => context.addIssue({ code: 'custom', path: [name], message });
    if (AUTH === undefined && file !== undefined) {
      report('AUTH', 'is not set, but AUTH_TOKENS_FILE is; expected AUTH=tokens.');
    }
    if (AUTH !== 'tokens') return;
    for (const problem of fileProblems(file)) report('AUTH_TOKENS_FILE', problem);
  }, ALWAYS)
  .transform(
    ({ AUTH: kind = 'none', AUTH_TOKENS_FILE: file = '' }): Auth => (kind === 'tokens' ? { kind, file } : { kind }),
  );

function fileProblems(file: string | undefined): readonly string[] {
  if (file === undefined) return [NOT_SET];
  return existsSync(file) ? readTokenList(readTokenText(file)).problems : [missing(file)];
}

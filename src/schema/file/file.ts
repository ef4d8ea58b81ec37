import { MAX_SINGLE_READS } from '../../request/loaders.ts';
import { includes } from '../../request/viewer.ts';
import { isValidName } from '../../upstream/http/path.ts';
import type { Preview } from '../../upstream/metrics/preview.ts';
import type { FileObject } from '../../upstream/resources/file.ts';
import type { Page } from '../../upstream/resources/page.ts';
import { builder } from '../core/builder.ts';
import { connectionArgs, connectionOf, pageRequest, pageSize, readFrom } from '../core/connection.ts';
import { badUserInput } from '../core/errors.ts';
import { batchedCalls, cost, countOf } from '../core/field-cost.ts';
import { Node } from '../core/node.ts';
import { openEnum } from '../core/open-enum.ts';

const NOUN = 'file';
const DEFAULT_FIRST = 20;
const MAX_PREVIEW_BYTES = 1024 * 1024;
const DEFAULT_PREVIEW_BYTES = 4096;
/** Bytes of a preview that cost as much as one object. */
const BYTES_PER_OBJECT = 100;

export const FILE_COST = cost({ calls: batchedCalls(MAX_SINGLE_READS.files) });

const maxBytesOf = countOf('maxBytes', { min: 1, max: MAX_PREVIEW_BYTES, fallback: DEFAULT_PREVIEW_BYTES });

export const filePurpose = openEnum('FilePurpose', {
  description: 'The purpose of a file: how the upstream uses it.',
  values: {
    FINE_TUNE: { description: 'Training or validation data of fine-tuning jobs, as JSON Lines.', raw: ['fine-tune'] },
    FINE_TUNE_RESULTS: {
      description: 'The results file of a job: its metrics as CSV. Created by jobs, not uploaded.',
      raw: ['fine-tune-results'],
    },
    ASSISTANTS: { description: 'Input of assistants, such as documents.' },
    ASSISTANTS_OUTPUT: { description: 'Output of assistants. Created by the upstream, not uploaded.' },
    BATCH: { description: 'The requests of a batch of API calls.' },
    BATCH_OUTPUT: { description: 'The responses of a batch. Created by the upstream, not uploaded.' },
    VISION: { description: 'Images for vision models.' },
    USER_DATA: { description: 'Input of models for any other purpose.' },
    EVALS: { description: 'Data of evals, the evaluations of models.' },
  },
});

const status = openEnum('FileStatus', {
  description: 'The status of a file: whether it can be used.',
  values: {
    UPLOADED: { description: 'The upstream stored the file and has not processed it yet.' },
    PENDING: { description: 'The file waits to be processed.', raw: ['pending', 'notRunning'] },
    RUNNING: { description: 'The upstream is processing the file.' },
    PROCESSED: { description: 'The file can be used.' },
    ERROR: { description: 'The file cannot be used; `statusDetails` may have the reason.', raw: ['error', 'failed'] },
    DELETING: { description: 'The upstream is deleting the file.' },
    DELETED: { description: 'The file was deleted.' },
  },
});

const FilePreview = builder.objectRef<Preview>('FilePreview').implement({
  description: 'The first bytes of the content of a file.',
  fields: (t) => ({
    text: t.exposeString('text', {
      nullable: false,
      description:
        'The first bytes, decoded as UTF-8. An invalid byte becomes U+FFFD. A results file that the upstream sends as base64 is decoded from base64 first.',
    }),
    isTruncated: t.exposeBoolean('isTruncated', {
      nullable: false,
      description: 'Whether the file has more bytes than `maxBytes`, so that the preview is only its beginning.',
    }),
  }),
});

export const File = builder.objectRef<FileObject>('File').implement({
  description: 'A file that was uploaded, or that a job created.',
  interfaces: [Node],
  fields: (t) => ({
    filename: t.exposeString('filename', {
      description: 'The name of the file, such as `train.jsonl`. Null when the upstream does not report it.',
    }),
    bytes: t.expose('bytes', {
      type: 'SafeInt',
      description: 'The size in bytes. Null when the upstream does not report it.',
    }),
    purpose: t.field({
      type: filePurpose.type,
      nullable: false,
      description: 'The purpose of the file: how the upstream uses it.',
      resolve: (file) => filePurpose.read(file.purpose),
    }),
    rawPurpose: t.string({
      nullable: false,
      description:
        '`purpose` as the upstream spells it, such as `fine-tune`. Empty when the upstream does not report it.',
      resolve: (file) => file.purpose,
    }),
    status: t.field({
      type: status.type,
      description: 'The status of the file: whether it can be used. Null when the upstream does not report it.',
      resolve: (file) => (file.status === null ? null : status.read(file.status)),
    }),
    rawStatus: t.string({
      description:
        '`status` as the upstream spells it, such as `processed`. Null when the upstream does not report it.',
      resolve: (file) => file.status,
    }),
    statusDetails: t.string({
      description: 'The reason why the file cannot be used, for people. Null when the upstream reports none.',
      resolve: ({ status_details }) => status_details,
    }),
    createdAt: t.field({
      type: 'UnixTimestamp',
      nullable: false,
      description: 'The time when the file was created.',
      resolve: ({ created_at }) => created_at,
    }),
    expiresAt: t.field({
      type: 'UnixTimestamp',
      description:
        'The time when the upstream deletes the file. Null when the file does not expire, or when the upstream does not report it.',
      resolve: ({ expires_at }) => expires_at,
    }),
    contentUrl: t.string({
      description:
        'The URL of the whole content, relative to the URL of the GraphQL endpoint, such as `files/file-abc123/content`. GET it with the same `Authorization` header. A results file that the upstream sends as base64 is decoded to CSV; `?raw=1` turns that off. Null when the role of the caller does not include `operator`.',
      resolve: ({ id }, _, { viewer }) =>
        includes(viewer.role, 'operator') && isValidName(id) ? `files/${encodeURIComponent(id)}/content` : null,
    }),
    preview: t.field({
      type: FilePreview,
      description:
        'The first bytes of the content as text. Costs one upstream call. Null when the upstream does not have the content any more. Requires the role `operator`.',
      authScopes: { operator: true },
      args: {
        maxBytes: t.arg.int({
          defaultValue: DEFAULT_PREVIEW_BYTES,
          description: `Maximum number of bytes of the decoded content, from 1 to ${MAX_PREVIEW_BYTES} (1 MiB). By default, and when null, ${DEFAULT_PREVIEW_BYTES}.`,
        }),
      },
      extensions: cost({ calls: 1, weight: (read) => maxBytesOf(read) / BYTES_PER_OBJECT }),
      resolve: (file, { maxBytes }, { loaders }) => {
        const limit = maxBytes ?? DEFAULT_PREVIEW_BYTES;
        if (limit < 1 || limit > MAX_PREVIEW_BYTES) {
          const expected = `an integer from 1 to ${MAX_PREVIEW_BYTES}, such as ${DEFAULT_PREVIEW_BYTES}`;
          throw badUserInput('maxBytes', `is ${limit}; expected ${expected}`);
        }
        return loaders.preview(file, limit);
      },
    }),
  }),
});

const FileFilter = builder.inputType('FileFilter', {
  description: 'Selects files by their purpose.',
  fields: (t) => ({
    purpose: t.field({
      type: filePurpose.type,
      description:
        'Only files with this purpose, such as FINE_TUNE. UNKNOWN is not accepted. By default, and when null, all purposes.',
    }),
  }),
});

const SortOrder = builder.enumType('SortOrder', {
  description: 'The order of a list, by creation time.',
  values: { ASC: { description: 'Oldest first.' }, DESC: { description: 'Newest first.' } },
});

const FileConnection = connectionOf('File', File, 'A page of files, in the requested order.');

builder.queryFields((t) => ({
  file: t.field({
    type: File,
    description: 'The file with an id. Null when it does not exist.',
    args: { id: t.arg.id({ required: true, description: 'The id of the file, such as `file-abc123`.' }) },
    extensions: FILE_COST,
    resolve: (_, { id }, { loaders }) => loaders.file(id),
  }),
  files: t.field({
    type: FileConnection,
    description: 'The files of the upstream account, by default newest first.',
    args: {
      ...connectionArgs(DEFAULT_FIRST, 'the next files in the order of the list'),
      filter: t.arg({ type: FileFilter, description: 'Selects files. By default, and when null, all files.' }),
      order: t.arg({
        type: SortOrder,
        defaultValue: 'DESC',
        description: 'The order by creation time. By default, and when null, DESC: newest first.',
      }),
    },
    extensions: cost({ calls: 1, size: pageSize(DEFAULT_FIRST) }),
    resolve: async (_, { filter, order, ...args }, { loaders }) => {
      const { limit, after } = pageRequest(NOUN, DEFAULT_FIRST, args);
      const purpose = filter?.purpose == null ? null : filePurpose.write(filter.purpose, 'filter.purpose');
      const request = { limit, after, purpose, order: order === 'ASC' ? 'asc' : 'desc' } as const;
      return { ...withPurpose(purpose, await readFrom(request, (page) => loaders.files(page))), after, noun: NOUN };
    },
  }),
}));

// Some servers ignore the purpose. A file that is removed here was read all the same: the next page starts after it.
function withPurpose(purpose: string | null, page: Page<FileObject>) {
  if (purpose === null) return page;
  const items = page.items.filter(({ value }) => !value || value.purpose === purpose);
  return { ...page, items, endsAt: page.items.findLast(({ id }) => id !== null)?.id ?? null };
}

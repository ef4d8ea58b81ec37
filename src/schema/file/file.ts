import { MAX_SINGLE_READS } from '../../request/loaders.ts';
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
/** As much of a preview is as heavy in an answer as an object. */
const BYTES_PER_OBJECT_COST = 100;

export const FILE_COST = cost({ calls: batchedCalls(MAX_SINGLE_READS.files) });

const bytesOf = countOf('maxBytes', { least: 1, most: MAX_PREVIEW_BYTES, standard: DEFAULT_PREVIEW_BYTES });

export const filePurpose = openEnum('FilePurpose', {
  description: 'What a file is for.',
  values: {
    FINE_TUNE: { description: 'To train or to validate on.', raw: ['fine-tune'] },
    FINE_TUNE_RESULTS: { description: 'The metrics of a job, which made it.', raw: ['fine-tune-results'] },
    ASSISTANTS: { description: 'For assistants to read.' },
    ASSISTANTS_OUTPUT: { description: 'What an assistant made.' },
    BATCH: { description: 'Requests for a batch.' },
    BATCH_OUTPUT: { description: 'What a batch answered.' },
    VISION: { description: 'Pictures for models to look at.' },
    USER_DATA: { description: 'Anything else that users send along.' },
    EVALS: { description: 'Data for evals.' },
  },
});

const status = openEnum('FileStatus', {
  description: 'Whether a file can be used.',
  values: {
    UPLOADED: { description: 'It has come, and is not looked at yet.' },
    PENDING: { description: 'It waits to be looked at.', raw: ['pending', 'notRunning'] },
    RUNNING: { description: 'It is being looked at.' },
    PROCESSED: { description: 'It can be used.' },
    ERROR: { description: 'It cannot be used; `statusDetails` may say why.', raw: ['error', 'failed'] },
    DELETING: { description: 'It is being deleted.' },
    DELETED: { description: 'It is gone.' },
  },
});

const FilePreview = builder.objectRef<Preview>('FilePreview').implement({
  description: "The beginning of a file's content.",
  fields: (t) => ({
    text: t.exposeString('text', {
      nullable: false,
      description: 'The first bytes as UTF-8. A results file is decoded when the upstream sends it in base64.',
    }),
    isTruncated: t.exposeBoolean('isTruncated', { nullable: false, description: 'Whether the file has more.' }),
  }),
});

export const File = builder.objectRef<FileObject>('File').implement({
  description: 'A file that was uploaded, or made by a job.',
  interfaces: [Node],
  fields: (t) => ({
    filename: t.exposeString('filename', { description: 'Its name; null when the upstream does not tell.' }),
    bytes: t.expose('bytes', {
      type: 'SafeInt',
      description: 'Its size in bytes; null when the upstream does not tell.',
    }),
    purpose: t.field({
      type: filePurpose.type,
      nullable: false,
      description: 'What it is for.',
      resolve: (file) => filePurpose.read(file.purpose),
    }),
    rawPurpose: t.string({
      nullable: false,
      description: '`purpose` as the upstream spells it.',
      resolve: (file) => file.purpose,
    }),
    status: t.field({
      type: status.type,
      description: 'Whether it can be used; null when the upstream does not tell.',
      resolve: (file) => (file.status === null ? null : status.read(file.status)),
    }),
    rawStatus: t.string({
      description: '`status` as the upstream spells it.',
      resolve: (file) => file.status,
    }),
    statusDetails: t.string({
      description: 'Why it cannot be used; null when the upstream does not tell.',
      resolve: ({ status_details }) => status_details,
    }),
    createdAt: t.field({
      type: 'UnixTimestamp',
      nullable: false,
      description: 'When it was uploaded or made.',
      resolve: ({ created_at }) => created_at,
    }),
    expiresAt: t.field({
      type: 'UnixTimestamp',
      description: 'When the upstream will delete it; null when it stays until somebody does.',
      resolve: ({ expires_at }) => expires_at,
    }),
    preview: t.field({
      type: FilePreview,
      description:
        'The beginning of its content, by an upstream call of its own; needs the role `operator`. Null when the content is gone.',
      authScopes: { operator: true },
      args: {
        maxBytes: t.arg.int({
          defaultValue: DEFAULT_PREVIEW_BYTES,
          description: `Most bytes to read, 1 to ${MAX_PREVIEW_BYTES}; ${DEFAULT_PREVIEW_BYTES} when left out or null.`,
        }),
      },
      extensions: cost({ calls: 1, weight: (read) => bytesOf(read) / BYTES_PER_OBJECT_COST }),
      resolve: (file, { maxBytes }, { loaders }) => {
        const most = maxBytes ?? DEFAULT_PREVIEW_BYTES;
        if (most < 1 || most > MAX_PREVIEW_BYTES)
          throw badUserInput('maxBytes', `a whole number from 1 to ${MAX_PREVIEW_BYTES}, got ${most}`);
        return loaders.preview(file, most);
      },
    }),
  }),
});

const FileFilter = builder.inputType('FileFilter', {
  description: 'Which files.',
  fields: (t) => ({ purpose: t.field({ type: filePurpose.type, description: 'Only those for this purpose.' }) }),
});

const SortOrder = builder.enumType('SortOrder', {
  description: 'In which order a list goes by creation time.',
  values: { ASC: { description: 'Oldest first.' }, DESC: { description: 'Newest first.' } },
});

const FileConnection = connectionOf('File', File, 'A page of files, in the order that was asked for.');

builder.queryFields((t) => ({
  file: t.field({
    type: File,
    description: 'One file; null when there is none with this id.',
    args: { id: t.arg.id({ required: true, description: 'The id of the file, `file-…`.' }) },
    extensions: FILE_COST,
    resolve: (_, { id }, { loaders }) => loaders.file(id),
  }),
  files: t.field({
    type: FileConnection,
    description: 'The files of the account, newest first unless asked otherwise.',
    args: {
      ...connectionArgs(DEFAULT_FIRST, 'the files that follow'),
      filter: t.arg({ type: FileFilter, description: 'Only some of them.' }),
      order: t.arg({
        type: SortOrder,
        defaultValue: 'DESC',
        description: 'By creation time; DESC when left out or null.',
      }),
    },
    extensions: cost({ calls: 1, size: pageSize(DEFAULT_FIRST) }),
    resolve: async (_, { filter, order, ...args }, { loaders }) => {
      const { limit, after } = pageRequest(NOUN, DEFAULT_FIRST, args);
      const wanted = filter?.purpose == null ? null : filePurpose.write(filter.purpose, 'filter.purpose');
      const page = { limit, after, purpose: wanted, order: order === 'ASC' ? 'asc' : 'desc' } as const;
      return { ...only(wanted, await readFrom(page, loaders.files)), after, noun: NOUN };
    },
  }),
}));

// Some servers ignore the purpose: what is left out was looked at all the same, and the list goes on behind it.
function only(wanted: string | null, page: Page<FileObject>) {
  if (wanted === null) return page;
  const items = page.items.filter(({ value }) => !value || value.purpose === wanted);
  return { ...page, items, endsAt: page.items.findLast(({ id }) => id !== null)?.id ?? null };
}

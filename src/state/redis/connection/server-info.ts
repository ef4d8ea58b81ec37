/** Facts from the reply of INFO. */
export interface ServerInfo {
  readonly server: 'Redis' | 'Valkey';
  readonly version: string;
  /** Bytes; 0 without a limit. */
  readonly maxMemory: number;
  readonly evictionPolicy: string;
}

/** The oldest supported version: major and minor. */
const OLDEST = { Redis: [7, 2], Valkey: [8, 0] } as const;

export function parseServerInfo(info: string): ServerInfo {
  const field = (name: string) => new RegExp(`^${name}:(\\S+)`, 'm').exec(info)?.[1];
  const valkey = field('valkey_version');
  return {
    server: valkey === undefined ? 'Redis' : 'Valkey',
    version: valkey ?? field('redis_version') ?? 'unknown',
    maxMemory: Number(field('maxmemory') ?? 0),
    evictionPolicy: field('maxmemory_policy') ?? 'noeviction',
  };
}

/** Returns sentences about what works and should not be. */
export function findWarnings({ server, version, maxMemory, evictionPolicy }: ServerInfo): string[] {
  const warnings: string[] = [];
  const oldest = OLDEST[server];
  if (isOlder(version, oldest)) {
    warnings.push(`${server} ${version} is not supported. Use ${server} ${oldest.join('.')} or later.`);
  }
  if (maxMemory > 0 && evictionPolicy !== 'noeviction') {
    warnings.push(`maxmemory-policy is ${evictionPolicy}, which loses counts and keys. Set it to noeviction.`);
  }
  return warnings;
}

function isOlder(version: string, [oldestMajor, oldestMinor]: readonly [number, number]): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major < oldestMajor || (major === oldestMajor && minor < oldestMinor);
}

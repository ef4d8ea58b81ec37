/** The questions of a workload, apart from how they are asked. */
export interface Draft {
  readonly what: string;
  readonly queries: readonly Query[];
}

export interface Query {
  /** The body of the request. */
  readonly question: string;
  /** The `data` of the right answer, by the stub's own words. */
  readonly data: unknown;
}

/** Where the parts of a workload come from: the stub, and any gateway before it. */
export interface Sources {
  readonly stubUrl: string;
  readonly gatewayUrl: string;
}

/** The queries of a workload, without their load. */
export interface QuerySet {
  readonly description: string;
  readonly queries: readonly Query[];
}

export interface Query {
  /** Body of the request. */
  readonly body: string;
  /** Expected `data` of the response, from the stub's own data. */
  readonly data: unknown;
}

/** Sources of the queries and of their expected responses: the stub, and any gateway that calls it. */
export interface Sources {
  readonly stubUrl: string;
  readonly gatewayUrl: string;
}

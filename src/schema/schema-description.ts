/** The description of the schema, in Markdown. */
export const SCHEMA_DESCRIPTION = `\
A GraphQL API for fine-tuning jobs, over a REST API in OpenAI's dialect. These descriptions use three names: "the gateway" is this GraphQL server, "the upstream" is the REST API that it calls, and "the caller" is the client that sends an operation.

## Names

A field has the name of its REST property in camelCase. A property that holds an id has the suffix \`Id\`: \`training_file\` is \`trainingFileId\`, and \`trainingFile\` is the file itself. Ids are those of the upstream, unchanged. Times are \`UnixTimestamp\`: seconds since 1970.

## Null and UNKNOWN

A field is non-null only when the gateway can always return it. The description of a nullable field says when it is null. Any nullable field is also null when it fails: then \`errors\` has the reason. An optional property that the upstream does not send, or sends in an invalid form, is null without an error.

Servers can add statuses and types. A value that the gateway does not know is UNKNOWN, and the field \`raw…\` beside it has the string of the upstream: for example \`rawStatus\` beside \`status\`.

## Errors

When a field fails, it is null and \`errors\` has an entry with its \`path\`, a \`message\` for people, and \`extensions.code\` for programs: see \`ErrorCode\`. The other fields have their values. When the whole operation is rejected, the response has \`errors\` only.

A mutation returns its failures as data: its type is a union of one success and of failures that implement \`Error\`. The description of the union says when each of them is returned.

\`\`\`graphql
mutation ($input: CreateFineTuningJobInput!) {
  createFineTuningJob(input: $input) {
    ... on CreateFineTuningJobSuccess { fineTuningJob { id status } }
    ... on InvalidInputError { issues { path message } }
    ... on Error { code message }
  }
}
\`\`\`

## Pagination

Lists are connections of the Relay specification, forward only. \`first\` is the maximum number of items per page, from 1 to 100. While \`pageInfo.hasNextPage\` is true, pass \`pageInfo.endCursor\` as \`after\` to the same field with the same filter. With a filter, a page can be short or even empty although there is a next one.

## Subscriptions

They run over Server-Sent Events and multipart responses (\`Accept: text/event-stream\`, or \`multipart/mixed; subscriptionSpec="1.0"\`), and over WebSockets with the subprotocol \`graphql-transport-ws\`. Subscriptions about one job complete after its last update. After a broken connection, the arguments \`since\` and \`sinceStep\` continue without a gap. All subscribers of a job share the polls of the upstream.

## Limits

The cost of an operation is one point per upstream call in the worst case, and one point per 100 objects of its response. Each caller has a budget of points per minute, by default 20000. Beyond it, operations fail with RATE_LIMITED and \`extensions.retryAfterSeconds\`. An operation that exceeds a query limit, such as depth or cost, fails with QUERY_TOO_COMPLEX. Send \`"extensions": {"cost": true}\` with a request to get its cost in \`extensions.cost\` of the response.

## Roles

A caller is a \`viewer\`, an \`operator\` or an \`admin\`: see \`ViewerRole\`. The description of a field or mutation names the role that it requires. For other callers the field is null with the error FORBIDDEN, and the mutation returns \`ForbiddenError\`.`;

/**
 * The order of requests whose responses replace each other. Call it before each request: it returns a function that tells
 * whether the response is newer than those before it, which an outdated one is not.
 */
export function createSequence(): () => () => boolean {
  let sent = 0;
  let newest = 0;
  return () => {
    const number = ++sent;
    return () => {
      if (number < newest) return false;
      newest = number;
      return true;
    };
  };
}

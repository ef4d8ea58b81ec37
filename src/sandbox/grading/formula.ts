/** A formula has a syntax error, an unknown name or a result that is not finite. */
export class FormulaError extends Error {
  override readonly name = 'FormulaError';
}

const FUNCTIONS: Readonly<Record<string, (...values: number[]) => number>> = {
  min: Math.min,
  max: Math.max,
  abs: Math.abs,
  floor: Math.floor,
  ceil: Math.ceil,
  exp: Math.exp,
  sqrt: Math.sqrt,
  log: Math.log,
};

const TOKEN = /\s*(\d+\.?\d*(?:e[+-]?\d+)?|\.\d+|[A-Za-z_]\w*|[-+*/(),])/iy;

/** Evaluates the formula of a multi grader, such as `0.5 * exact + max(a, b)`. Throws FormulaError. */
export function evaluate(formula: string, values: Readonly<Record<string, number>>): number {
  const tokens = tokenize(formula);
  const take = (...expected: readonly string[]) => (expected.includes(tokens[0] ?? '') ? tokens.shift() : undefined);
  const expect = (token: string) => {
    if (take(token) === undefined) throw new FormulaError(`expected ${token}`);
  };

  function sum(depth: number): number {
    let value = product(depth);
    for (let sign = take('+', '-'); sign !== undefined; sign = take('+', '-'))
      value += (sign === '+' ? 1 : -1) * product(depth);
    return value;
  }

  function product(depth: number): number {
    let value = operand(depth);
    for (let sign = take('*', '/'); sign !== undefined; sign = take('*', '/')) {
      const next = operand(depth);
      value = sign === '*' ? value * next : value / next;
    }
    return value;
  }

  function operand(depth: number): number {
    if (depth > MAX_DEPTH) throw new FormulaError(`exceeds ${MAX_DEPTH} levels`);
    if (take('-')) return -operand(depth + 1);
    if (take('(')) return beforeParenthesis(sum(depth + 1));
    const token = tokens.shift() ?? '';
    if (/^[\d.]/.test(token)) return Number(token);
    if (Object.hasOwn(FUNCTIONS, token) && take('(')) return call(token, depth);
    const value = Object.hasOwn(values, token) ? values[token] : undefined;
    if (value === undefined) throw new FormulaError(`unknown name: ${token}`);
    return value;
  }

  function call(name: string, depth: number): number {
    const args = [sum(depth + 1)];
    while (take(',')) args.push(sum(depth + 1));
    return beforeParenthesis(FUNCTIONS[name]?.(...args) ?? Number.NaN);
  }

  function beforeParenthesis(value: number): number {
    expect(')');
    return value;
  }

  const value = sum(0);
  if (tokens.length > 0) throw new FormulaError(`unexpected ${tokens[0]}`);
  if (!Number.isFinite(value)) throw new FormulaError('the result is not finite');
  return value;
}

const MAX_DEPTH = 100;

function tokenize(formula: string): string[] {
  const tokens: string[] = [];
  const token = new RegExp(TOKEN);
  while (token.lastIndex < formula.trimEnd().length) {
    const [, text] = token.exec(formula) ?? [];
    if (text === undefined) throw new FormulaError('has an unknown character');
    tokens.push(text);
  }
  return tokens;
}

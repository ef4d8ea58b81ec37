/** A formula that cannot be read, or that names what is not there. */
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

/**
 * The value of an arithmetic formula such as `0.5 * exact + max(a, b)`, as a multi grader has it. Throws FormulaError.
 */
export function evaluate(formula: string, values: Readonly<Record<string, number>>): number {
  const tokens = tokensOf(formula);
  const take = (...wanted: readonly string[]) => (wanted.includes(tokens[0] ?? '') ? tokens.shift() : undefined);
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
    let value = unit(depth);
    for (let sign = take('*', '/'); sign !== undefined; sign = take('*', '/')) {
      const next = unit(depth);
      value = sign === '*' ? value * next : value / next;
    }
    return value;
  }

  function unit(depth: number): number {
    if (depth > MAX_NESTING) throw new FormulaError('too many levels');
    if (take('-')) return -unit(depth + 1);
    if (take('(')) return closed(sum(depth + 1));
    const token = tokens.shift() ?? '';
    if (/^[\d.]/.test(token)) return Number(token);
    if (Object.hasOwn(FUNCTIONS, token) && take('(')) return call(token, depth);
    const value = Object.hasOwn(values, token) ? values[token] : undefined;
    if (value === undefined) throw new FormulaError(`unknown: ${token}`);
    return value;
  }

  function call(name: string, depth: number): number {
    const given = [sum(depth + 1)];
    while (take(',')) given.push(sum(depth + 1));
    return closed(FUNCTIONS[name]?.(...given) ?? Number.NaN);
  }

  function closed(value: number): number {
    expect(')');
    return value;
  }

  const value = sum(0);
  if (tokens.length > 0 || !Number.isFinite(value)) throw new FormulaError('no number');
  return value;
}

const MAX_NESTING = 100;

function tokensOf(formula: string): string[] {
  const tokens: string[] = [];
  const token = new RegExp(TOKEN);
  while (token.lastIndex < formula.trimEnd().length) {
    const [, text] = token.exec(formula) ?? [];
    if (text === undefined) throw new FormulaError('cannot be read');
    tokens.push(text);
  }
  return tokens;
}

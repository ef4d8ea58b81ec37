/** A public tokenizer of OpenAI, by its name in tiktoken. */
export type Tokenizer = 'o200k_base' | 'cl100k_base';

// The prefixes of tiktoken's table of models (docs/upstream.md: Tokens of a training file), also in Azure's spelling.
const O200K = /^(?:gpt-(?:4o|4\.1|4\.5|5|oss)|chatgpt-4o|o[134])(?![a-z\d])/;
const CL100K = /^(?:gpt-(?:4|3\.5|35)|(?:babbage|davinci)-002)(?![a-z\d])/;

/** Returns the tokenizer of a base model or of a model tuned from it; null when it is not known. */
export function tokenizerOf(modelId: string): Tokenizer | null {
  const name = modelId.replace(/^ft:/, '');
  if (O200K.test(name)) return 'o200k_base';
  return CL100K.test(name) ? 'cl100k_base' : null;
}

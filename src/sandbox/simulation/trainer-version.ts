/** Models of 2024 and before are tuned by the trainer of that time, which writes events and results in its own way. */
export function isOfOldTrainer({ model }: { readonly model: string }): boolean {
  return /^(babbage|davinci|gpt-3|gpt-4o)/.test(model);
}

/** Whether the trainer of 2024 trains the model. Its events and results have another form. */
export function usesLegacyTrainer({ model }: { readonly model: string }): boolean {
  return /^(babbage|davinci|gpt-3|gpt-4o)/.test(model);
}

// Runs before the first paint, as a script of its own: the page does not flash in the other theme.
try {
  const theme = localStorage.getItem('finetune-gateway-theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset['theme'] = theme;
} catch {
  // Without storage, the theme is that of the system.
}

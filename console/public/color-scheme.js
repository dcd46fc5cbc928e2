// Before the first paint, so that nobody is dazzled: a file of its own, since the policy allows no inline script.
(() => {
  const wanted = localStorage.getItem('mantine-color-scheme-value');
  const isDark =
    wanted === 'dark' || (wanted !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches);
  document.documentElement.dataset.mantineColorScheme = isDark ? 'dark' : 'light';
})();

import { fileURLToPath } from 'node:url'
import react from '@vitejs/plugin-react'
import { defaultClientConditions, defineConfig, type Plugin } from 'vite'

const freehold = 'http://localhost:3000'

/** `npm run dev -w web` beside a running `npm start`: the server writes into a page what it has to know. */
const pageOfServer: Plugin = {
  name: 'page-of-server',
  apply: 'serve',
  transformIndexHtml: async (html, { path }) => {
    const served = await fetch(new URL(path === '/console.html' ? '/console' : '/', freehold), {
      headers: { accept: 'text/html' },
    }).then((answer) => answer.text())
    return html.replace('<!--page-->', /<script type="application\/json"[\s\S]*?<\/script>/.exec(served)?.[0] ?? '')
  },
}

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  // Relative, because the product may serve the pages from any path of its own.
  base: './',
  plugins: [react(), pageOfServer],
  resolve: { conditions: ['freehold-source', ...defaultClientConditions] },
  build: {
    emptyOutDir: true,
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    rolldownOptions: {
      input: ['index.html', 'console.html'].map((page) => fileURLToPath(new URL(page, import.meta.url))),
    },
  },
  server: { proxy: { '/v1': freehold, '/dev': freehold } },
})

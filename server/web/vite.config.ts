import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

// `npm run dev` serves the page with hot reload and takes everything else from a running `plenary serve --dev`.
const server = 'http://localhost:7880';

export default defineConfig({
  plugins: [react()],
  build: { target: 'es2022', chunkSizeWarningLimit: 1200 },
  server: { proxy: { '/web': server, '/v1': server, '/rtc': { target: server, ws: true } } },
});

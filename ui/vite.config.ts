import { defineConfig } from "vite";
import solid from "vite-plugin-solid";

// One entry, pages as chunks loaded on first visit; no inline script, so the server's CSP can be strict.
export default defineConfig({
	plugins: [solid()],
	build: {
		target: "es2021",
		outDir: "dist",
		emptyOutDir: true,
		assetsInlineLimit: 0,
		modulePreload: { polyfill: false },
		reportCompressedSize: false,
	},
	server: { proxy: { "/api": "http://127.0.0.1:8026" } },
});

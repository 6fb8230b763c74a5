import files from 'worker:files';
import simulator from 'worker:simulator';
import vehicle from 'worker:vehicle';
import { mount } from 'svelte';
import './ui/styles/tokens.css';
import './ui/styles/base.css';
import App from '#ui/App.svelte';
import { watchInstallation } from '#ui/platform/install.ts';
import { startOffline } from '#ui/platform/offline.ts';
import { provideWorkerUrls } from '#ui/platform/scripts.ts';
import { applyTheme } from '#ui/platform/theme.ts';
import { AppState } from '#ui/state/app.svelte.ts';
import { createPlatform } from '#ui/state/platform.ts';
import { applyGloveMode } from '#ui/views/help/glove.ts';

/** Page entry: joins the screens, the state and the workers' URLs. */
applyTheme();
applyGloveMode();
provideWorkerUrls({ vehicle, simulator, files });

// Inside a foreign frame a click could be led astray; a meta policy cannot forbid framing (reference: platform 6).
if (window.top !== window.self) throw new Error('Codebay does not run inside another page');

const installation = watchInstallation();
const app = new AppState(createPlatform());
const target = document.getElementById('app');
if (target === null) throw new Error('index.html has no #app');
mount(App, { target, props: { app, installation, startOffline } });

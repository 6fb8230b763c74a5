/**
 * For development and tests only: every component in its states, and the screens they make, without the app.
 * `?screen=vehicle&theme=light&glove&simulator&dir=rtl`
 */
import { mount } from 'svelte';
import '#ui/styles/tokens.css';
import '#ui/styles/base.css';
import Gallery from './Gallery.svelte';

const query = new URLSearchParams(location.search);
const { dataset } = document.documentElement;
dataset.theme = query.get('theme') ?? 'dark';
if (query.has('glove')) dataset.glove = '';
if (query.has('simulator')) dataset.simulator = '';
document.documentElement.dir = query.get('dir') ?? 'ltr';

const target = document.getElementById('app');
if (target === null) throw new Error('gallery.html has no #app');
mount(Gallery, { target, props: { screen: query.get('screen') ?? 'components', isSimulator: query.has('simulator') } });

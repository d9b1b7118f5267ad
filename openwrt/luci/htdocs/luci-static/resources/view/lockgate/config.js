'use strict';
'require fs';
'require ui';
'require view';

// The configuration file as text. Saving checks it; applying puts it to use and says why not when it has faults.

const PATH = '/etc/lockgate/lockgate.toml';

function textOf(result) {
	return `${result.stdout || ''}${result.stderr || ''}`;
}

function show(result) {
	ui.addNotification(null, E('pre', {}, [textOf(result)]), result.code === 0 ? 'info' : 'warning');
}

return view.extend({
	load: () => fs.read(PATH),

	render: (text) => E('div', {}, [
		E('h2', {}, [_('Lockgate')]),
		E('p', {}, [PATH]),
		E('textarea', {
			id: 'lockgate-file',
			rows: 30,
			spellcheck: 'false',
			style: 'width: 100%; font-family: monospace',
		}, [text]),
	]),

	save: function () {
		const { value } = document.getElementById('lockgate-file');
		return fs.write(PATH, value.replace(/\r\n/g, '\n'));
	},

	handleSave: function () {
		return this.save()
			.then(() => fs.exec('/usr/bin/lockgate', ['check']))
			.then(show, (error) => ui.addNotification(null, E('p', {}, [error.message]), 'danger'));
	},

	handleSaveApply: function () {
		return this.save()
			.then(() => fs.exec('/usr/bin/lockgate', ['reload']))
			.then(show, (error) => ui.addNotification(null, E('p', {}, [error.message]), 'danger'));
	},

	handleReset: null,
});

'use strict';
'require fs';
'require poll';
'require ui';
'require view';

// What `lockgate status` says, renewed every ten seconds.

const INTERVAL_SECONDS = 10;

function readStatus() {
	return fs.exec('/usr/bin/lockgate', ['status']).then(
		(result) => `${result.stdout || ''}${result.stderr || ''}` || _('lockgate says nothing.'),
		(error) => error.message,
	);
}

function applyToRouter() {
	return fs.exec('/usr/bin/lockgate', ['openwrt', 'apply']).then((result) => {
		const text = `${result.stdout || ''}${result.stderr || ''}`;
		ui.addNotification(null, E('pre', {}, [text]), result.code === 0 ? 'info' : 'warning');
	});
}

return view.extend({
	load: readStatus,

	render: function (text) {
		const output = E('pre', { style: 'white-space: pre-wrap' }, [text]);
		poll.add(() => readStatus().then((now) => { output.textContent = now; }), INTERVAL_SECONDS);
		return E('div', {}, [
			E('h2', {}, [_('Lockgate')]),
			E('p', {}, [_('A gateway in front of the media server. Its own page shows more:'), ' ', E('code', {}, ['https://…/.lockgate/'])]),
			output,
			E('button', {
				class: 'btn cbi-button cbi-button-action',
				click: ui.createHandlerFn(this, applyToRouter),
			}, [_('Let this router answer the server\'s names')]),
		]);
	},

	handleSave: null,
	handleSaveApply: null,
	handleReset: null,
});

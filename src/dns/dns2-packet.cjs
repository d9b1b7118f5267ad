// What the bundle takes for `dns2`: the codec alone. The library's servers and clients load half of Node at the start.
exports.Packet = require('../../node_modules/dns2/packet.js');

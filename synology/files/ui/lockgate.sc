[lockgate]
title="lockgate"
desc="lockgate: gateway of the media server"
port_forward="yes"
dst.ports="32443/tcp"

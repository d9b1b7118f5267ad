# shellcheck shell=dash
# Mounting the program. It stands in the flash as one packed file system: unpacked it would take 110 MB. Sourced, never run.

PROGRAM_FILES=/usr/share/lockgate
PROGRAM_FOLDER=/usr/lib/lockgate
# Names the installed build: its file, and the same text within it.
PROGRAM_BUILD="$PROGRAM_FILES/build"

program_is_mounted() {
	grep -q " $PROGRAM_FOLDER squashfs " /proc/mounts
}

program_is_current() {
	program_is_mounted && cmp -s "$PROGRAM_BUILD" "$PROGRAM_FOLDER/build"
}

# Says why and returns 1 when it cannot be mounted. An upgrade that was interrupted leaves the former build beside what has come of
# the new one: then that one is mounted.
mount_program() {
	program_is_current && return 0
	unmount_program
	mkdir -p "$PROGRAM_FOLDER"
	for file in "$PROGRAM_FILES/$(cat "$PROGRAM_BUILD" 2>/dev/null).squashfs" "$PROGRAM_FILES"/*.squashfs; do
		[ -s "$file" ] && mount -t squashfs -o loop,ro "$file" "$PROGRAM_FOLDER" 2>/dev/null && return 0
	done
	echo "lockgate: the program in $PROGRAM_FILES cannot be mounted (is kmod-loop installed? was the installation interrupted?)" >&2
	return 1
}

# What still runs from it keeps it until it ends.
unmount_program() {
	while program_is_mounted; do
		umount -l "$PROGRAM_FOLDER" || return 1
	done
}

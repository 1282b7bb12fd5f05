package supervisor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
)

const socketName = "supervisor.sock"

// withSocket calls use with a path of dir's socket that is short however long dir is: the address of a Unix socket has
// room for 107 bytes. The path is good only during the call.
func withSocket(dir string, use func(path string) error) error {
	folder, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer func() { _ = folder.Close() }()
	return use(fmt.Sprintf("/proc/self/fd/%d/%s", folder.Fd(), socketName))
}

// listen makes dir's socket, in place of one that a dead supervisor left. Only the holder of the lock may call it.
func listen(dir string) (net.Listener, error) {
	var listener *net.UnixListener
	err := withSocket(dir, func(path string) error {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		var err error
		listener, err = net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
		if err != nil {
			return err
		}
		return os.Chmod(path, 0o600)
	})
	if err != nil {
		if listener != nil {
			_ = listener.Close()
		}
		return nil, fmt.Errorf("listening on %s: %w", filepath.Join(dir, socketName), err)
	}
	listener.SetUnlinkOnClose(false) // it would unlink by the short path, which means nothing by then
	return listener, nil
}

func dial(ctx context.Context, dir string) (net.Conn, error) {
	var conn net.Conn
	err := withSocket(dir, func(path string) error {
		var err error
		conn, err = (&net.Dialer{}).DialContext(ctx, "unix", path)
		return err
	})
	return conn, err
}

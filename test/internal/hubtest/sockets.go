package hubtest

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Listener is a TCP or UDP socket that takes what others send.
type Listener struct {
	PID     int
	Network string // tcp, tcp6, udp or udp6
	Address netip.AddrPort
}

// Listeners lists the sockets on which processes listen, as the kernel knows them.
func Listeners(t testing.TB, processes []Process) []Listener {
	t.Helper()
	owners := map[string]int{} // by inode
	for _, process := range processes {
		links, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", process.PID))
		if err != nil {
			t.Fatal(err)
		}
		for _, link := range links {
			target, _ := os.Readlink(link) // one that was closed meanwhile is none
			if inode, ok := strings.CutPrefix(target, "socket:["); ok {
				owners[strings.TrimSuffix(inode, "]")] = process.PID
			}
		}
	}
	var found []Listener
	for _, network := range []string{"tcp", "tcp6", "udp", "udp6"} {
		for _, socket := range readSockets(t, network) {
			if pid, ours := owners[socket.inode]; ours {
				found = append(found, Listener{PID: pid, Network: network, Address: socket.local})
			}
		}
	}
	return found
}

// socket is a line of a table in /proc/net, see proc_pid_net(5).
type socket struct {
	local netip.AddrPort
	inode string
}

// readSockets lists the listening sockets of a network, whoever they belong to.
func readSockets(t testing.TB, network string) []socket {
	t.Helper()
	file, err := os.Open("/proc/net/" + network)
	if os.IsNotExist(err) {
		return nil // a kernel without IPv6
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	// A TCP socket that listens is in state 0A (TCP_LISTEN), a UDP socket without a peer in state 07 (TCP_CLOSE).
	state := map[string]string{"tcp": "0A", "tcp6": "0A", "udp": "07", "udp6": "07"}[network]
	var sockets []socket
	lines := bufio.NewScanner(file)
	lines.Scan() // the headings
	for lines.Scan() {
		const local, status, inode, columns = 1, 3, 9, 10
		fields := strings.Fields(lines.Text())
		if len(fields) < columns || fields[status] != state {
			continue
		}
		address, err := parseAddress(fields[local])
		if err != nil {
			t.Fatalf("reading /proc/net/%s: %v", network, err)
		}
		sockets = append(sockets, socket{local: address, inode: fields[inode]})
	}
	return sockets
}

// parseAddress reads an address such as 0100007F:1F90: groups of four bytes in the machine's order, and a port.
func parseAddress(text string) (netip.AddrPort, error) {
	host, port, _ := strings.Cut(text, ":")
	data, err := hex.DecodeString(host)
	if err != nil {
		return netip.AddrPort{}, err
	}
	for group := range slices.Chunk(data, 4) {
		slices.Reverse(group) // the machines that the programs are built for are little-endian
	}
	address, ok := netip.AddrFromSlice(data)
	number, err := strconv.ParseUint(port, 16, 16)
	if !ok || err != nil {
		return netip.AddrPort{}, fmt.Errorf("%q is not an address", text)
	}
	return netip.AddrPortFrom(address.Unmap(), uint16(number)), nil
}

// PortFree says whether a port on loopback could be listened on.
func PortFree(port uint16) error {
	listener, err := net.Listen("tcp", netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), port).String())
	if err != nil {
		return err
	}
	return listener.Close()
}

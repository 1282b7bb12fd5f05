package supervisor

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// cannotCollapse stands for a file system that cannot.
func cannotCollapse(*os.File, int64) error { return syscall.EOPNOTSUPP }

// someLog returns an open log of a process called api, in a folder as TailLog expects it.
func someLog(t *testing.T) (log *os.File, dir string) {
	t.Helper()
	dir = t.TempDir()
	log, err := openLog(LogPath(dir, "api"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close() })
	return log, dir
}

func write(t *testing.T, log *os.File, text string) {
	t.Helper()
	if _, err := log.WriteString(text); err != nil {
		t.Fatal(err)
	}
}

func content(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestLogsAreRotatedUnderTheirWriter(t *testing.T) {
	for name, cut := range map[string]func(*os.File, int64) error{
		"by cutting": collapse, "by emptying": cannotCollapse,
	} {
		t.Run(name, func(t *testing.T) {
			const most = 100_000
			defer syscall.Umask(syscall.Umask(0)) // what others may do must not depend on it
			log, _ := someLog(t)
			var all strings.Builder
			for i := range 40_000 { // 520 kB
				line := fmt.Sprintf("line %07d\n", i)
				all.WriteString(line)
				write(t, log, line)
				if i%50 > 0 {
					continue
				}
				if err := rotate(log.Name(), most, cut); err != nil {
					t.Fatal(err)
				}
			}
			var kept string
			for _, path := range []string{log.Name() + ".3", log.Name() + ".2", log.Name() + ".1", log.Name()} {
				text := content(t, path)
				if len(text) > most+50*len("line 0000000\n") {
					t.Errorf("%s has %d bytes", path, len(text))
				}
				if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
					t.Errorf("%s: got %v, %v", path, info, err)
				}
				kept += text
			}
			if len(kept) < 3*most*9/10 || !strings.HasSuffix(all.String(), kept) {
				t.Errorf("the %d bytes kept are not the end of what was written", len(kept))
			}
			if files, err := filepath.Glob(log.Name() + "*"); err != nil || len(files) != 4 {
				t.Errorf("got %q, %v, want four files", files, err)
			}
		})
	}
}

func TestAShortLogIsLeftAlone(t *testing.T) {
	log, _ := someLog(t)
	write(t, log, "0123456789")
	if err := rotate(log.Name(), 10, collapse); err != nil {
		t.Fatal(err)
	}
	if got := content(t, log.Name()); got != "0123456789" {
		t.Errorf("got %q", got)
	}
	if _, err := os.Stat(log.Name() + ".1"); !os.IsNotExist(err) {
		t.Error("it was rotated")
	}
}

func TestOfAFloodTheEndIsKept(t *testing.T) {
	log, _ := someLog(t)
	write(t, log, strings.Repeat("x", 5_000_000)+"end")
	if err := rotate(log.Name(), 100_000, collapse); err != nil {
		t.Fatal(err)
	}
	if text := content(t, log.Name()+".1"); len(text) > 400_000 {
		t.Errorf("%d bytes are kept", len(text))
	}
	if !strings.HasSuffix(content(t, log.Name()+".1")+content(t, log.Name()), "end") {
		t.Error("the end is lost")
	}
}

func TestAProgramWritesOnIntoARotatedLog(t *testing.T) {
	j := newJournal(t)
	dir := t.TempDir()
	c := supervise(t, dir)
	line := strings.Repeat("chatter ", 128)
	apply(t, c, j.process("api", "printer", "100", line, "200", "more"))
	pid := j.await(t, "api runs")
	if err := rotate(LogPath(dir, "api"), 50_000, collapse); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGTERM); err != nil { // makes it go on
		t.Fatal(err)
	}
	j.await(t, "api wrote")
	want := strings.Repeat(line+"\n", 100) + strings.Repeat("more\n", 200)
	if got := content(t, LogPath(dir, "api")+".1") + content(t, LogPath(dir, "api")); got != want {
		t.Errorf("got %d bytes, want %d", len(got), len(want))
	}
}

func TestLongLogsAreFound(t *testing.T) {
	log, dir := someLog(t)
	if err := log.Truncate(logMost + 1); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		go keepLogsShort(t.Context(), filepath.Join(dir, "logs"), slog.New(slog.DiscardHandler))
		<-time.After(logCheck + time.Millisecond)
		synctest.Wait()
	})
	if info, err := log.Stat(); err != nil || info.Size() > 1<<20 {
		t.Errorf("got %d bytes, %v", info.Size(), err)
	}
}

func TestALogGoesOnWhereAnEarlierOneEnded(t *testing.T) {
	log, _ := someLog(t)
	write(t, log, "first life\n")
	again, err := openLog(log.Name())
	if err != nil {
		t.Fatal(err)
	}
	write(t, again, "second life\n")
	_ = again.Close()
	if got := content(t, log.Name()); got != "first life\nsecond life\n" {
		t.Errorf("got %q", got)
	}
}

func TestTailLogReadsAcrossRotation(t *testing.T) {
	log, dir := someLog(t)
	var all []string
	for i := range 4000 {
		all = append(all, "line "+strconv.Itoa(i))
		write(t, log, all[i]+"\n")
		if i%500 == 0 {
			if err := rotate(log.Name(), 10_000, collapse); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, lines := range []int{0, 1, 5, 2000, 4000, 10_000} {
		got, err := TailLog(dir, "api", lines)
		if err != nil {
			t.Fatal(err)
		}
		if want := all[max(0, len(all)-lines):]; !slices.Equal(got, want) {
			t.Errorf("%d lines: got %d: %q", lines, len(got), got[:min(3, len(got))])
		}
	}
}

func TestTailLogReadsLongLinesBackwards(t *testing.T) {
	log, dir := someLog(t)
	long := strings.Repeat("x", 200<<10)
	write(t, log, "first\n"+long+"\nlast, unfinished")
	got, err := TailLog(dir, "api", 2)
	if err != nil || len(got) != 2 || got[0] != long || got[1] != "last, unfinished" {
		t.Errorf("got %d lines, %v", len(got), err)
	}
}

func TestTailLogRefusesWhatIsNoLog(t *testing.T) {
	_, dir := someLog(t)
	if _, err := TailLog(dir, "portal", 1); err == nil {
		t.Error("a process that never ran has a log")
	}
	if _, err := TailLog(dir, "../processes", 1); err == nil {
		t.Error("a path was taken for a name")
	}
}

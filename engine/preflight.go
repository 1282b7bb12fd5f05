package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/dustin/go-humanize"
	"golang.org/x/mod/module"
	"golang.org/x/sys/unix"
)

// What a build from nothing takes at most, in bytes.
const (
	engineSpace   = 2 << 30 // the programs, and the copies of sources that are patched
	goCacheSpace  = 3 << 30 // compiled packages
	modCacheSpace = 5 << 30 // downloaded modules
)

// space is room that something needs in a folder, which need not exist yet.
type space struct {
	dir  string
	size uint64
}

// checkSpace says which file systems have too little room for what is to be put on them.
func checkSpace(needs []space) []error {
	type volume struct {
		dirs       []string
		need, free uint64
	}
	var order []uint64
	volumes := map[uint64]*volume{}
	var faults []error
	for _, n := range needs {
		dir, err := nearestFolder(n.dir)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		var stat unix.Stat_t
		var fsys unix.Statfs_t
		if err := errors.Join(unix.Stat(dir, &stat), unix.Statfs(dir, &fsys)); err != nil {
			faults = append(faults, fmt.Errorf("finding the free space of %s: %w", dir, err))
			continue
		}
		v := volumes[stat.Dev]
		if v == nil {
			v = &volume{free: fsys.Bavail * uint64(fsys.Bsize)}
			volumes[stat.Dev] = v
			order = append(order, stat.Dev)
		}
		v.dirs = append(v.dirs, n.dir)
		v.need += n.size
	}
	for _, device := range order {
		if v := volumes[device]; v.free < v.need {
			faults = append(faults, fmt.Errorf("the disk of %s has %s free: a build needs %s there",
				v.dirs[0], humanize.IBytes(v.free), humanize.IBytes(v.need)))
		}
	}
	return faults
}

// downloadSpace is how much of modCacheSpace is still to be downloaded: as large a part of it as of the modules that
// the recipe pins, some of which no program uses.
func (r recipe) downloadSpace(modCache string) (uint64, error) {
	pinned, missing := uint64(0), uint64(0)
	for _, m := range r.modules {
		pins, err := r.pins(m)
		if err != nil {
			return 0, err
		}
		for _, required := range pins.Require {
			path, err := module.EscapePath(required.Mod.Path)
			if err != nil {
				return 0, fmt.Errorf("reading the engine's sources: %w", err)
			}
			pinned++
			zip := filepath.Join(modCache, "cache", "download", filepath.FromSlash(path), "@v", required.Mod.Version+".zip")
			if _, err := os.Stat(zip); err != nil {
				missing++
			}
		}
	}
	return modCacheSpace * missing / max(pinned, 1), nil
}

// checkWritable says whether files can be made in a folder, or the folder itself if it is not there yet.
func checkWritable(dir string) error {
	existing, err := nearestFolder(dir)
	if err != nil {
		return err
	}
	if err := unix.Access(existing, unix.W_OK|unix.X_OK); err != nil {
		return fmt.Errorf("%s cannot be written to (%w): choose another folder with XDG_CACHE_HOME, "+
			"or change its owner or mode", existing, err)
	}
	return nil
}

// nearestFolder returns the folder itself or the closest one above it that exists.
func nearestFolder(dir string) (string, error) {
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist) && filepath.Dir(dir) != dir:
		return nearestFolder(filepath.Dir(dir))
	case err != nil:
		return "", fmt.Errorf("looking at %s: %w", dir, err)
	case !info.IsDir():
		return "", fmt.Errorf("%s is a file: want a folder, or nothing", dir)
	}
	return dir, nil
}

package main

import (
	"errors"
	"strconv"
	"strings"
)

// The calls of a small service, down to where it opens something: different functions of ordinary shape, as stacks have.
// (A recursive function would be too easy for Go, which remembers the last functions it looked up.)

var errEmpty = errors.New("empty")

type request struct {
	path   string
	fields []string
	end    step
	times  int
	seen   int
}

type handler interface {
	handle(r *request) error
}

type stage struct {
	name string
	next handler
}

func clamp(value, low, high int) int {
	if value < low {
		return low
	}
	if value > high {
		return high
	}
	return value
}

//go:noinline
func serve(r *request) error {
	if r.path == "" {
		return errEmpty
	}
	r.fields = strings.Split(r.path, "/")
	err := route(r, len(r.fields))
	r.seen++
	return err
}

//go:noinline
func route(r *request, count int) error {
	table := map[string]int{"users": 1, "files": 2}
	for _, field := range r.fields {
		count += table[field]
	}
	log := authorize(r, clamp(count, 0, 9))
	if log == nil && count < 0 {
		return errEmpty
	}
	return log
}

//go:noinline
func authorize(r *request, level int) error {
	token := strconv.Itoa(level) + r.path
	if len(token) < 2 {
		return errEmpty
	}
	var chain handler = &stage{token, nil}
	if err := chain.handle(r); err != nil {
		return err
	}
	r.seen += len(token)
	return nil
}

//go:noinline
func (s *stage) handle(r *request) error {
	total := 0
	for i := range s.name {
		total += int(s.name[i])
	}
	result, err := retry(r, clamp(total, 1, 3))
	r.seen += result
	return err
}

//go:noinline
func retry(r *request, attempts int) (int, error) {
	var last error
	for attempt := 0; attempt < attempts; attempt++ {
		last = withTimeout(r, func(inner *request) error { return transact(inner, attempt) })
		if last == nil {
			return attempt, nil
		}
	}
	return attempts, last
}

//go:noinline
func withTimeout(r *request, run func(*request) error) error {
	budget := clamp(len(r.path)*3, 1, 100)
	err := run(r)
	if budget == 0 {
		return errEmpty
	}
	return err
}

//go:noinline
func transact(r *request, attempt int) error {
	defer func() { r.seen++ }()
	buffer := make([]byte, 0, 64)
	buffer = strconv.AppendInt(buffer, int64(attempt), 10)
	size, err := load(r, string(buffer))
	if size < 0 {
		return errEmpty
	}
	return err
}

//go:noinline
func load(r *request, key string) (int, error) {
	switch {
	case key == "":
		return 0, errEmpty
	case len(key) > 10:
		return -1, nil
	}
	parsed, err := parse(r, key+".csv", clamp(len(key), 0, 4))
	return parsed + len(key), err
}

//go:noinline
func parse(r *request, name string, column int) (int, error) {
	var columns [6]int
	for i := range columns {
		columns[i] = column * i
	}
	err := readAll(r, name, columns[:])
	return columns[column], err
}

//go:noinline
func readAll(r *request, name string, columns []int) error {
	sum := 0
	for _, column := range columns {
		sum += clamp(column, 0, 5)
	}
	if err := open(r, name); err != nil {
		return err
	}
	columns[0] = sum
	return nil
}

//go:noinline
func open(r *request, name string) error {
	if strings.HasPrefix(name, "/") {
		return errEmpty
	}
	r.end(r.times)
	r.seen += len(name)
	return nil
}

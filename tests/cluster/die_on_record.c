/* Loaded before the program: it dies when it notes that it has taken a certain number of records, as if the last of them
   had killed it. $MOLGEN3D_TEST_DIE: that number; $MOLGEN3D_TEST_DEATHS: at most so many deaths, counted in the size of a
   file of that name. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <fcntl.h>
#include <unistd.h>

static ssize_t (*write_at(void))(int, const void*, size_t, off_t) {
  return (ssize_t(*)(int, const void*, size_t, off_t))dlsym(RTLD_NEXT, "pwrite64");
}

static void die_if_due(const void* data, size_t size) {
  const char* records = getenv("MOLGEN3D_TEST_DIE");
  const char* counter = getenv("MOLGEN3D_TEST_DEATHS");
  struct stat found;
  int file;
  if (records == NULL || counter == NULL || size < 100) return;
  if (strtoul(data, NULL, 10) != strtoul(records, NULL, 10)) return;
  if (stat(counter, &found) == 0 && found.st_size >= atol(getenv("MOLGEN3D_TEST_MOST"))) return;
  file = open(counter, O_WRONLY | O_CREAT | O_APPEND, 0666);
  if (write(file, "x", 1) != 1) abort();
  close(file);
  raise(SIGKILL);
}

ssize_t pwrite64(int file, const void* data, size_t size, off_t place) {
  ssize_t done = write_at()(file, data, size, place);
  die_if_due(data, size);
  return done;
}

ssize_t pwrite(int file, const void* data, size_t size, off_t place) {
  return pwrite64(file, data, size, place);
}

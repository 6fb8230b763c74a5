/* fakeudev.c - a tiny stand-in for libudev (+ modem-line ioctls), to be LD_PRELOADed into a
 * stock Debian Chromium so that its real Web Serial back-end talks to a pseudo-terminal.
 *
 * Every directory $FAKEUDEV_DIR/<name> is one device, laid out like sysfs:
 *   uevent       KEY=VALUE lines: SUBSYSTEM, DEVNAME, MAJOR, MINOR, ID_VENDOR_ID ...
 *   <attribute>  one file per sysattr
 *   modem        4 bytes, the TIOCM_* word shared with the device process; bit 31 = break
 * rename(2) a directory in = plug ("add"), rename it out = unplug ("remove").
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define API __attribute__((visibility("default")))
#define BREAK_BIT (1u << 31)

static const char *root(void) { return getenv("FAKEUDEV_DIR"); }

/* ------------------------------------------------------------------ libudev */

struct udev { int unused; };
struct udev_list_entry { struct udev_list_entry *next; char *name, *value; };
struct udev_device {
  char *syspath, *action;
  struct udev_list_entry *props, *attrs;
};
struct udev_enumerate { char *subsystem[8]; int n; struct udev_list_entry *list; };
struct known { struct known *next; char *name; struct udev_device *dev; };
struct udev_monitor { int fd; char *subsystem[8]; int n; struct known *known; };

static void list_add(struct udev_list_entry **l, const char *n, const char *v) {
  struct udev_list_entry *e = calloc(1, sizeof *e);
  e->name = strdup(n), e->value = v ? strdup(v) : NULL, e->next = *l, *l = e;
}
static const char *list_get(struct udev_list_entry *l, const char *n) {
  for (; l; l = l->next) if (!strcmp(l->name, n)) return l->value;
  return NULL;
}
static void list_free(struct udev_list_entry *l) {
  while (l) { struct udev_list_entry *n = l->next; free(l->name); free(l->value); free(l); l = n; }
}

static char *slurp(const char *dir, const char *file) {
  char path[PATH_MAX], buf[4096];
  snprintf(path, sizeof path, "%s/%s", dir, file);
  FILE *f = fopen(path, "re");
  if (!f) return NULL;
  size_t n = fread(buf, 1, sizeof buf - 1, f);
  fclose(f);
  while (n && buf[n - 1] == '\n') n--;
  buf[n] = 0;
  return strdup(buf);
}

static struct udev_device *dev_load(const char *syspath) {
  char *ue = slurp(syspath, "uevent"), *save = NULL;
  if (!ue) return NULL;
  struct udev_device *d = calloc(1, sizeof *d);
  d->syspath = strdup(syspath);
  for (char *l = strtok_r(ue, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
    char *eq = strchr(l, '=');
    if (eq) { *eq = 0; list_add(&d->props, l, eq + 1); }
  }
  free(ue);
  return d;
}

API struct udev *udev_new(void) { return calloc(1, sizeof(struct udev)); }
API struct udev *udev_ref(struct udev *u) { return u; }
API struct udev *udev_unref(struct udev *u) { free(u); return NULL; }

API const char *udev_device_get_action(struct udev_device *d) { return d->action; }
API const char *udev_device_get_syspath(struct udev_device *d) { return d->syspath; }
API const char *udev_device_get_sysname(struct udev_device *d) { return strrchr(d->syspath, '/') + 1; }
API const char *udev_device_get_property_value(struct udev_device *d, const char *k) { return list_get(d->props, k); }
API const char *udev_device_get_devnode(struct udev_device *d) { return list_get(d->props, "DEVNAME"); }
API const char *udev_device_get_devtype(struct udev_device *d) { return list_get(d->props, "DEVTYPE"); }
API const char *udev_device_get_subsystem(struct udev_device *d) { return list_get(d->props, "SUBSYSTEM"); }
API const char *udev_device_get_driver(struct udev_device *d) { (void)d; return NULL; }
API struct udev_device *udev_device_get_parent(struct udev_device *d) { (void)d; return NULL; }
API struct udev_device *udev_device_get_parent_with_subsystem_devtype(struct udev_device *d, const char *s, const char *t) { (void)d; (void)s; (void)t; return NULL; }
API struct udev_list_entry *udev_device_get_properties_list_entry(struct udev_device *d) { return d->props; }
API const char *udev_device_get_sysattr_value(struct udev_device *d, const char *k) {
  const char *v = list_get(d->attrs, k);
  if (v) return v;
  char *s = slurp(d->syspath, k);
  if (!s) return NULL;
  list_add(&d->attrs, k, s);
  free(s);
  return list_get(d->attrs, k);
}
API struct udev_device *udev_device_new_from_syspath(struct udev *u, const char *p) { (void)u; return dev_load(p); }
API struct udev_device *udev_device_new_from_devnum(struct udev *u, char t, dev_t n) { (void)u; (void)t; (void)n; return NULL; }
API struct udev_device *udev_device_new_from_subsystem_sysname(struct udev *u, const char *s, const char *n) { (void)u; (void)s; (void)n; return NULL; }
API struct udev_device *udev_device_unref(struct udev_device *d) {
  if (d) { list_free(d->props); list_free(d->attrs); free(d->syspath); free(d->action); free(d); }
  return NULL;
}

static int match(char **subs, int n, struct udev_device *d) {
  const char *s = udev_device_get_subsystem(d);
  if (!n) return 1;
  for (int i = 0; i < n; i++) if (s && !strcmp(s, subs[i])) return 1;
  return 0;
}

API struct udev_enumerate *udev_enumerate_new(struct udev *u) { (void)u; return calloc(1, sizeof(struct udev_enumerate)); }
API int udev_enumerate_add_match_subsystem(struct udev_enumerate *e, const char *s) {
  if (s && e->n < 8) e->subsystem[e->n++] = strdup(s);
  return 0;
}
API int udev_enumerate_scan_devices(struct udev_enumerate *e) {
  DIR *dir = root() ? opendir(root()) : NULL;
  if (!dir) return 0;
  for (struct dirent *de; (de = readdir(dir));) {
    char path[PATH_MAX];
    if (de->d_name[0] == '.') continue;
    snprintf(path, sizeof path, "%s/%s", root(), de->d_name);
    struct udev_device *d = dev_load(path);
    if (d && match(e->subsystem, e->n, d)) list_add(&e->list, path, NULL);
    udev_device_unref(d);
  }
  closedir(dir);
  return 0;
}
API struct udev_list_entry *udev_enumerate_get_list_entry(struct udev_enumerate *e) { return e->list; }
API struct udev_enumerate *udev_enumerate_unref(struct udev_enumerate *e) {
  for (int i = 0; i < e->n; i++) free(e->subsystem[i]);
  list_free(e->list);
  free(e);
  return NULL;
}
API struct udev_list_entry *udev_list_entry_get_next(struct udev_list_entry *e) { return e->next; }
API const char *udev_list_entry_get_name(struct udev_list_entry *e) { return e->name; }
API const char *udev_list_entry_get_value(struct udev_list_entry *e) { return e->value; }

static void monitor_learn(struct udev_monitor *m, const char *name) {
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s/%s", root(), name);
  struct known *k = calloc(1, sizeof *k);
  k->name = strdup(name), k->dev = dev_load(path), k->next = m->known, m->known = k;
}
API struct udev_monitor *udev_monitor_new_from_netlink(struct udev *u, const char *name) {
  (void)u; (void)name;
  struct udev_monitor *m = calloc(1, sizeof *m);
  m->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  return m;
}
API int udev_monitor_filter_add_match_subsystem_devtype(struct udev_monitor *m, const char *s, const char *t) {
  (void)t;
  if (s && m->n < 8) m->subsystem[m->n++] = strdup(s);
  return 0;
}
API int udev_monitor_enable_receiving(struct udev_monitor *m) {
  if (!root()) return 0;
  inotify_add_watch(m->fd, root(), IN_MOVED_TO | IN_MOVED_FROM | IN_ONLYDIR);
  DIR *dir = opendir(root());
  if (dir) {
    for (struct dirent *de; (de = readdir(dir));) if (de->d_name[0] != '.') monitor_learn(m, de->d_name);
    closedir(dir);
  }
  return 0;
}
API int udev_monitor_get_fd(struct udev_monitor *m) { return m->fd; }
API struct udev_device *udev_monitor_receive_device(struct udev_monitor *m) {
  union { struct inotify_event ev; char buf[sizeof(struct inotify_event) + NAME_MAX + 1]; } u;
  struct udev_device *d = NULL;
  ssize_t n = -1;
  /* Exactly one event per call (the caller polls the fd): grow until the next one fits. */
  for (size_t room = sizeof u.ev; n < 0 && room <= sizeof u; room += 16)
    if ((n = read(m->fd, &u, room)) < 0 && errno != EINVAL) return NULL;
  if (n <= 0 || !u.ev.len || u.ev.name[0] == '.') return NULL;
  if (u.ev.mask & IN_MOVED_TO) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", root(), u.ev.name);
    if ((d = dev_load(path))) { d->action = strdup("add"); monitor_learn(m, u.ev.name); }
  } else {
    for (struct known **k = &m->known; *k; k = &(*k)->next)
      if (!strcmp((*k)->name, u.ev.name)) {
        struct known *gone = *k;
        *k = gone->next;
        if ((d = gone->dev)) d->action = strdup("remove");
        free(gone->name);
        free(gone);
        break;
      }
  }
  if (!d || match(m->subsystem, m->n, d)) return d;
  udev_device_unref(d);
  return NULL;
}
API struct udev_monitor *udev_monitor_unref(struct udev_monitor *m) {
  while (m->known) { struct known *k = m->known; m->known = k->next; udev_device_unref(k->dev); free(k->name); free(k); }
  for (int i = 0; i < m->n; i++) free(m->subsystem[i]);
  close(m->fd);
  free(m);
  return NULL;
}

/* -------------------------------------------------- modem lines of a mocked tty */

static uint32_t *modem_word(int fd) {
  char link[64], node[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(link, node, sizeof node - 1);
  DIR *dir = n > 0 && root() ? opendir(root()) : NULL;
  uint32_t *w = NULL;
  if (!dir) return NULL;
  node[n] = 0;
  for (struct dirent *de; !w && (de = readdir(dir));) {
    char path[PATH_MAX + 8];
    if (de->d_name[0] == '.') continue;
    snprintf(path, sizeof path, "%s/%s", root(), de->d_name);
    struct udev_device *d = dev_load(path);
    const char *dn = d ? udev_device_get_devnode(d) : NULL;
    if (dn && !strcmp(dn, node)) {
      strcat(path, "/modem");
      int mfd = open(path, O_RDWR | O_CLOEXEC);
      if (mfd >= 0) {
        w = mmap(NULL, 4, PROT_READ | PROT_WRITE, MAP_SHARED, mfd, 0);
        if (w == MAP_FAILED) w = NULL;
        close(mfd);
      }
    }
    udev_device_unref(d);
  }
  closedir(dir);
  return w;
}

static int modem_ioctl(uint32_t *w, unsigned req, void *arg) {
  switch (req) {
    case TIOCMGET: *(uint32_t *)arg = *w & ~BREAK_BIT; break;
    case TIOCMBIS: __sync_or_and_fetch(w, *(uint32_t *)arg); break;
    case TIOCMBIC: __sync_and_and_fetch(w, ~*(uint32_t *)arg); break;
    case TIOCMSET: *w = *(uint32_t *)arg; break;
    case TIOCSBRK: __sync_or_and_fetch(w, BREAK_BIT); break;
    case TIOCCBRK: __sync_and_and_fetch(w, ~BREAK_BIT); break;
  }
  munmap(w, 4);
  return 0;
}

/* ------------------------------------------------------------------ libc entry points */

API int ioctl(int fd, unsigned long req, ...) {
  static int (*real)(int, unsigned long, ...);
  va_list ap;
  va_start(ap, req);
  void *arg = va_arg(ap, void *);
  va_end(ap);
  uint32_t *word;
  if (!real) real = dlsym(RTLD_NEXT, "ioctl");
  switch ((unsigned)req) {
    case TIOCEXCL: /* root may open a TIOCEXCL tty again; a lock keeps the second opener out all the same */
      if ((word = modem_word(fd))) {
        munmap(word, 4);
        if (flock(fd, LOCK_EX | LOCK_NB)) { errno = EBUSY; return -1; }
      }
      break;
    case TIOCMGET: case TIOCMSET: case TIOCMBIS: case TIOCMBIC: case TIOCSBRK: case TIOCCBRK:
      if ((word = modem_word(fd))) return modem_ioctl(word, (unsigned)req, arg);
  }
  return real(fd, req, arg);
}

// arp-responder ADDRESS INTERFACE: answers ARP requests for one address and does nothing else: as fast as a program
// beside the kernel can be. A yardstick for test/bench/neighbours.ts.
#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

int main(int count, char **arguments) {
  if (count != 3) return 2;
  struct sock_filter filter[] = {
      {0x20, 0, 0, 38}, // the target's address
      {0x15, 0, 1, ntohl(inet_addr(arguments[1]))},
      {0x06, 0, 0, 256},
      {0x06, 0, 0, 0},
  };
  struct sock_fprog program = {4, filter};
  struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_protocol = htons(0x0806)};
  struct ifreq interface = {0};
  strncpy(interface.ifr_name, arguments[2], IFNAMSIZ - 1);
  int fd = socket(AF_PACKET, SOCK_RAW, 0);
  if (fd < 0 || ioctl(fd, SIOCGIFHWADDR, &interface) < 0 ||
      setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) < 0 ||
      bind(fd, (struct sockaddr *)&address, sizeof address) < 0)
    return 1;
  for (;;) {
    unsigned char request[256], reply[60] = {0};
    socklen_t length = sizeof address;
    long received = recvfrom(fd, request, sizeof request, 0, (struct sockaddr *)&address, &length);
    if (received < 42 || request[21] != 1) continue;
    memcpy(reply, request + 22, 6);
    memcpy(reply + 6, interface.ifr_hwaddr.sa_data, 6);
    memcpy(reply + 12, request + 12, 8);
    reply[21] = 2;
    memcpy(reply + 22, interface.ifr_hwaddr.sa_data, 6);
    memcpy(reply + 28, request + 38, 4);
    memcpy(reply + 32, request + 22, 10);
    sendto(fd, reply, sizeof reply, 0, (struct sockaddr *)&address, sizeof address);
  }
}

import time,sys,resource
def cpu(): r=resource.getrusage(resource.RUSAGE_SELF); return r.ru_utime+r.ru_stime
a=cpu()
import torch; b=cpu(); print("torch",b-a)
import clantune_clan, clantune_strategies; c=cpu(); print("clan",c-b, "dynamo" , 'torch._dynamo' in sys.modules)
n=set(sys.modules)
m=torch.nn.Linear(2,1); o=torch.optim.AdamW(m.parameters(),lr=.1); d=cpu(); print("adamw",d-c, 'torch._dynamo' in sys.modules, len(set(sys.modules)-n))
m(torch.ones(1,2)).sum().backward(); o.step(); e=cpu(); print("step",e-d,'torch._dynamo' in sys.modules, len(set(sys.modules)-n))
from clantune_clan import Clan
c=Clan(model=m,optimizer=o,autobind=["adamw"],round_length=4)
f=cpu(); print("clan",f-e, len(set(sys.modules)-n))
k=c.round()
m(torch.ones(1,2)).sum().backward(); o.step(); o.zero_grad(); k.step()
g=cpu(); print("round",g-f, len(set(sys.modules)-n))
import torch.distributed.run; h=cpu(); print("run",h-g)
print(sorted({x.split('.')[0]+'.'+(x.split('.')+[''])[1] for x in set(sys.modules)-n})[:80])

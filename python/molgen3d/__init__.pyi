from ._core import NumberFormat as NumberFormat
from ._core import PositionRuleCompiler as PositionRuleCompiler
from ._core import Program as Program
from ._core import TemplateCompiler as TemplateCompiler
from ._core import Tokenizer as Tokenizer
from ._core import literals_of_smiles as literals_of_smiles
from .client import Client as Client
from .client import ServerError as ServerError
from .errors import DecodeError as DecodeError
from .errors import Error as Error
from .errors import MoleculeError as MoleculeError
from .errors import StepError as StepError
from .errors import TokenizerError as TokenizerError
from .generation import Conformer as Conformer
from .generation import Model as Model
from .generation import generate as generate
from .generation import load_model as load_model
from .processor import ConformerLogitsProcessor as ConformerLogitsProcessor
from .tables import ConstraintTables as ConstraintTables
from .text import Molecule as Molecule
from .text import decode as decode
from .text import encode as encode
from .text import prompt_smiles as prompt_smiles
from .text import same_molecular_graph as same_molecular_graph
from .text import tagged_literals as tagged_literals

__version__: str

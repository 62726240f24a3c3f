"""CRMs as the contract's tests see them: the same few questions to each, whatever they are called there."""
from crm_target_bitrix24 import Bitrix24Target
from crm_target_cards import CardsTarget
from crm_target_elma365 import Elma365Target
from crm_target_espocrm import EspoTarget
from crm_target_hubspot import HubSpotTarget
from crm_target_kommo import KommoChatTarget, KommoTarget
from crm_target_odoo import Odoo2Target, OdooTarget
from crm_target_tryton import TrytonTarget

TARGETS = [
    CardsTarget,
    TrytonTarget,
    Bitrix24Target,
    Elma365Target,
    EspoTarget,
    HubSpotTarget,
    OdooTarget,
    Odoo2Target,
    KommoTarget,
    KommoChatTarget,
]
OVER_THE_NET = [t for t in TARGETS if t is not CardsTarget]

"""How the pages write a patient's name."""

from django import template

from imaging.formats.person import person_name

register = template.Library()
register.filter("person", person_name)

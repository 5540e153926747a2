"""Pages of the admin as a browser fills them in."""

from django.urls import reverse


def label(model) -> str:
    return model._meta.label_lower


def url(model, page, *args):
    name = model if isinstance(model, str) else model._meta.label_lower
    return reverse(f"admin:{name.replace('.', '_')}_{page}", args=args)


def form_of(page) -> dict[str, str]:
    """Return what a browser would send back: the values of the page's form and its inlines."""
    forms = [page.context["adminform"].form]
    for inline in page.context["inline_admin_formsets"]:
        forms += [inline.formset.management_form, *inline.formset.forms]
    shown = ((field, field.value()) for form in forms for field in form)
    filled = (
        (field, value)
        for field, value in shown
        if value is not None and value is not False and not field.field.disabled
    )
    return {
        name: part
        for field, value in filled
        for name, part in _parts(field.field.widget, field.html_name, value)
    }


def _parts(widget, name, value):
    """Return a split date and time as its two inputs; all else as one."""
    if not hasattr(widget, "widgets"):
        return [(name, value)]
    shown = widget.get_context(name, value, {})["widget"]["subwidgets"]
    return [(each["name"], each["value"] or "") for each in shown]


def save(client, path, **changes):
    """Open the page, change something, save; return the answer."""
    values = form_of(client.get(path)) | changes
    return client.post(path, {key: value for key, value in values.items() if value is not None})


def errors(answer):
    page = answer.context
    inline = [
        each for formset in page["inline_admin_formsets"] for each in formset.formset.errors
    ]
    return [page["adminform"].form.errors.get_json_data(), *inline]

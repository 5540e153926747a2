"""The ways out of MS5: e-mail, signed webhooks, chat and SMS. None of them knows the database."""
